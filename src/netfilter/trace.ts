import { entriesAt } from './hooks.ts';
import type { Hook, NodeNetwork, Outcome, PacketCase } from './outcome.ts';
import { outcomesOf, type Ended } from './outcomes.ts';
import type { Chain, Program } from './program.ts';
import { mergeStates } from './merge.ts';
import { assumed as assumedAlso, type Assumed, type Connection, type State } from './state.ts';
import { walkChain, WALK_LIMIT, type Budget, type OnMatch } from './walk.ts';
import { worldOf, type Route, type World } from './world.ts';

export interface TraceOptions {
  /** Assumptions that the user has settled, by their words: only that way is followed. */
  readonly settled?: ReadonlyMap<string, boolean>;
  readonly onMatch?: OnMatch;
}

/**
 * Follows a packet through a node's rules as the kernel would: every outcome with its probability, what it rests on and the rules that led
 * there. Always ends; never throws.
 */
export function trace(
  program: Program,
  network: NodeNetwork,
  packet: PacketCase,
  options: TraceOptions = {},
): Outcome[] {
  const world = knownWorld(network);
  const walk: Walk = { program, world, packet, budget: { left: WALK_LIMIT }, ended: [], options, answer: undefined };
  const start = firstState(packet, options);
  if (packet.state !== 'established') {
    follow(walk, start);
    return outcomesOf(walk.ended);
  }
  // The nat chains saw this connection's first packet, and what they answered then is kept.
  follow({ ...walk, options: {} }, { ...start, connection: { ...start.connection, state: 'new' } });
  for (const answer of mergeStates(answersOf(walk.ended.splice(0)))) {
    const { connection } = answer;
    follow(
      { ...walk, answer },
      {
        ...start,
        weight: answer.weight,
        assumed: answer.assumed,
        connection: { ...connection, ...unseen(start.connection) },
      },
    );
  }
  return outcomesOf(walk.ended);
}

/**
 * How a connection that is known may have been answered: its first packet has passed, if any could. Where that rests on assumptions, all ways are
 * kept, since their shares would differ with them.
 */
function answersOf(first: readonly Ended[]): readonly State[] {
  const passed = first.filter(({ verdict }) => verdict === 'accept').map(({ state }) => state);
  const all = first.map(({ state }) => state);
  if (passed.length === 0 || all.some(({ assumed }) => assumed !== undefined)) return all;
  const share = passed.reduce((sum, { weight }) => sum + weight, 0);
  return passed.map((state) => ({ ...state, weight: state.weight / share }));
}

interface Walk {
  readonly program: Program;
  readonly world: World;
  readonly packet: PacketCase;
  readonly budget: Budget;
  readonly ended: Ended[];
  readonly options: TraceOptions;
  /** For a packet of a known connection: how its first packet ended. */
  readonly answer: State | undefined;
}

const worlds = new WeakMap<NodeNetwork, World>();

function knownWorld(network: NodeNetwork): World {
  let world = worlds.get(network);
  if (!world) worlds.set(network, (world = worldOf(network)));
  return world;
}

function firstState(packet: PacketCase, { settled }: TraceOptions): State {
  const tuple = {
    source: packet.source,
    destination: packet.destination,
    sourcePort: packet.protocol === 'icmp' ? undefined : packet.sourcePort,
    destinationPort: packet.protocol === 'icmp' ? undefined : packet.destinationPort,
  };
  let assumed: Assumed | undefined;
  for (const [words, holds] of settled ?? []) assumed = assumedAlso({ words, holds, settled: true }, assumed);
  return {
    weight: 1,
    assumed,
    path: undefined,
    ...tuple,
    protocol: packet.protocol,
    mark: 0,
    in: packet.in === 'local' ? '' : packet.in,
    out: '',
    connection: {
      tracking: packet.state === 'untracked' ? 'untracked' : 'none',
      state: packet.state === 'established' || packet.state === 'related' ? packet.state : 'new',
      mark: 0,
      original: tuple,
      destinationTranslated: false,
      sourceTranslated: false,
      destinationDone: false,
      sourceDone: false,
      masquerade: false,
      translatedSource: undefined,
      zone: 0,
    },
    dscp: undefined,
    remembered: [],
  };
}

/** What of a connection belongs to the packet on its way, not to what conntrack remembers. */
function unseen({ tracking, state }: Connection): Partial<Connection> {
  return { tracking, state, destinationDone: true, sourceDone: true };
}

/** The way of a packet: ip_rcv, ip_forward, ip_local_deliver, and __ip_local_out with what comes back over lo. */
function follow(walk: Walk, start: State): void {
  if (walk.packet.in !== 'local') {
    arrive(walk, [start]);
    return;
  }
  const route = walk.world.route(start.destination);
  if (route.kind === 'none') {
    walk.ended.push({ state: start, verdict: 'drop', routing: { delivered: 'forwarded' } });
    return;
  }
  const sent = runHook(walk, 'output', [{ ...start, out: interfaceOf(route) }]);
  // Rules may have changed the destination, and then the kernel routes again (ip_route_me_harder).
  const leaving: State[] = [];
  for (const state of sent) {
    const again = walk.world.route(state.destination);
    if (again.kind === 'none') walk.ended.push({ state, verdict: 'drop', routing: { delivered: 'forwarded' } });
    else leaving.push({ ...state, out: interfaceOf(again) });
  }
  const back: State[] = [];
  for (const state of runHook(walk, 'postrouting', leaving))
    if (state.out === 'lo') back.push({ ...state, in: 'lo', out: '' });
    else finish(walk, state);
  if (back.length > 0) arrive(walk, back);
}

function arrive(walk: Walk, states: readonly State[]): void {
  const local: State[] = [];
  const forwarded: State[] = [];
  for (const state of runHook(walk, 'prerouting', states)) {
    const route = walk.world.route(state.destination);
    if (route.kind === 'none') walk.ended.push({ state, verdict: 'drop', routing: { delivered: 'forwarded' } });
    else if (route.kind === 'local' || walk.world.addressType(state.destination) === 'broadcast') local.push(state);
    else forwarded.push({ ...state, out: interfaceOf(route) });
  }
  for (const state of runHook(walk, 'input', local)) finish(walk, state);
  for (const state of runHook(walk, 'postrouting', runHook(walk, 'forward', forwarded))) finish(walk, state);
}

function interfaceOf(route: Route): string | undefined {
  return route.kind === 'forward' ? route.interface : route.kind === 'local' ? 'lo' : undefined;
}

function finish(walk: Walk, state: State): void {
  walk.ended.push({ state, verdict: 'accept', routing: routingOf(state) });
}

function routingOf(state: State): NonNullable<Outcome['routing']> {
  if (state.out === '') return { delivered: 'local', ...(state.in ? { interface: state.in } : {}) };
  return { delivered: 'forwarded', ...(state.out ? { interface: state.out } : {}) };
}

function runHook(walk: Walk, hook: Hook, states: readonly State[]): readonly State[] {
  let here = mergeStates(states);
  for (const entry of entriesAt(walk.program, walk.packet.source.family, hook)) {
    if (here.length === 0) break;
    if (entry.kind === 'conntrack') here = here.map((state) => track(walk, state));
    else if (entry.kind === 'nat') here = translate(walk, hook, entry.chains, here);
    else here = runChain(walk, hook, entry.chain, here);
  }
  return here;
}

function runChain(walk: Walk, hook: Hook, chain: Chain, states: readonly State[]): readonly State[] {
  const spot = { program: walk.program, world: walk.world, hook, base: chain };
  const { passed, stopped } = walkChain(chain, states, spot, walk.budget, walk.options.onMatch);
  for (const { state, verdict, rejectWith } of stopped)
    walk.ended.push({ state, verdict, ...(rejectWith ? { rejectWith } : {}) });
  return passed;
}

/** nf_conntrack_in: a packet that carries a connection already (over lo), or was told not to, is left alone. */
function track({ packet }: Walk, state: State): State {
  if (state.connection.tracking !== 'none') return state;
  return {
    ...state,
    connection: { ...state.connection, tracking: packet.state === 'invalid' ? 'invalid' : 'tracked' },
  };
}

/** The nat core: chains are asked in turn until one translates; what none translated is decided, too. */
function translate(walk: Walk, hook: Hook, chains: readonly Chain[], states: readonly State[]): readonly State[] {
  const done = hook === 'prerouting' || hook === 'output' ? 'destinationDone' : 'sourceDone';
  const out: State[] = [];
  let open: readonly State[] = [];
  for (const state of states)
    if (walk.answer) out.push(again(state, walk.answer, done, hook));
    else if (state.connection.tracking !== 'tracked' || state.connection[done]) out.push(state);
    else open = [...open, state];
  for (const chain of chains) {
    if (open.length === 0) break;
    const still: State[] = [];
    for (const state of runChain(walk, hook, chain, open)) (state.connection[done] ? out : still).push(state);
    open = still;
  }
  for (const state of open) out.push({ ...state, connection: { ...state.connection, [done]: true } });
  return mergeStates(out);
}

/** A packet of a known connection gets what the connection's first packet got. */
function again(state: State, answer: State, done: 'destinationDone' | 'sourceDone', hook: Hook): State {
  if (state.connection.tracking !== 'tracked') return state;
  if (done === 'destinationDone')
    return { ...state, destination: answer.destination, destinationPort: answer.destinationPort };
  if (!answer.connection.masquerade || hook === 'input') return state;
  return { ...state, source: answer.source, sourcePort: answer.sourcePort };
}

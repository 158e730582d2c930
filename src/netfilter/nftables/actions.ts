/** Statements that change the packet, its connection or a set (nft_meta_set, nft_ct_set, nft_nat, nft_dynset … in net/netfilter). */
import type { Address, Family } from '../address.ts';
import { mapPrefix, masquerade, redirect, translateDestination, translateSource, type NatRange } from '../nat.ts';
import { assume, forget, remember, type State } from '../state.ts';
import { sourceOf, where, type Context } from './context.ts';
import { resolve, typeOf, type Cover, type Value } from './datatypes.ts';
import { elementWords, unknownOp } from './match.ts';
import { printStatement } from './print.ts';
import { BREAK, reader } from './registers.ts';
import type { Expression, Statement } from './ruleset.ts';
import { passOrDrop } from './verdicts.ts';
import { arms, times, type Op, type Way } from './ways.ts';

/** A value that a statement needs: a constant, a selector, or what a map has for a key. */
type Values = (state: State, spot: Parameters<Op>[1]) => readonly ValueArm[];

interface ValueArm {
  readonly state: State;
  /** One for each part; undefined where it is not known. */
  readonly covers: readonly Cover[] | undefined;
  readonly chance?: number;
}

/** `types` are what constants are read as, part by part. An empty answer breaks the rule off. */
function valuesOf(expression: Expression, types: readonly string[], context: Context): Values {
  if (expression.kind === 'map') return mapped(expression, types, context);
  const constants = coversOf(expression, types);
  if (constants) return (state) => [{ state, covers: constants }];
  const read = reader(expression);
  return (state, spot) => {
    const register = read(state, spot);
    if (register === BREAK) return [];
    return arms(register, state).map(({ state: at, value, chance }) => ({
      state: at,
      covers: known(value),
      ...(chance === undefined ? {} : { chance }),
    }));
  };
}

function known(value: unknown): readonly Cover[] | undefined {
  const values = (Array.isArray(value) ? value : [value]) as readonly (Value | undefined)[];
  const covers: Cover[] = [];
  for (const one of values) {
    if (one === undefined) return undefined;
    covers.push({ kind: 'one', value: one });
  }
  return covers;
}

function coversOf(expression: Expression, types: readonly string[]): readonly Cover[] | undefined {
  const parts = expression.kind === 'concat' ? expression.parts : [expression];
  const covers: Cover[] = [];
  for (const [i, part] of parts.entries()) {
    const cover = resolve(part, types[i] ?? 'integer');
    if (!cover) return undefined;
    covers.push(cover);
  }
  return covers;
}

function mapped(expression: Expression & { kind: 'map' }, types: readonly string[], context: Context): Values {
  const source = sourceOf(expression.data, expression.key, context);
  if (!source) return (state) => [{ state, covers: undefined }];
  const { lookup } = source;
  const read = reader(expression.key);
  const data = new Map<number, readonly Cover[] | undefined>();
  const dataOf = (index: number): readonly Cover[] | undefined => {
    if (!data.has(index)) {
      const found = lookup.elements[index]!.data;
      data.set(index, found && coversOf(found, types));
    }
    return data.get(index);
  };
  return (state, spot) => {
    const found: ValueArm[] = [];
    for (const { state: at, value, chance } of arms(read(state, spot), state)) {
      const share = chance === undefined ? {} : { chance };
      const values = (Array.isArray(value) ? value : [value]) as readonly (Value | undefined)[];
      if (values.every((one) => one !== undefined)) {
        const index = lookup.find(values);
        if (index >= 0) found.push({ state: at, covers: dataOf(index), ...share });
        else if (lookup.unreadable.length > 0) found.push({ state: at, covers: undefined, ...share });
        else found.push({ state: at, covers: [], ...share });
      } else if (lookup.candidates(values).length > 0) found.push({ state: at, covers: undefined, ...share });
      else found.push({ state: at, covers: [], ...share });
    }
    return found;
  };
}

type Nat = Statement & { kind: 'nat' };

export function natOp(statement: Nat, context: Context): Op {
  const { action, family, flags } = statement;
  const random = flags.includes('random') || flags.includes('fully-random');
  const persistent = flags.includes('persistent');
  const addressType = family === 'ip6' ? 'ipv6_addr' : 'ipv4_addr';
  const address = statement.address && valuesOf(statement.address, [addressType, 'inet_service'], context);
  const port = statement.port && valuesOf(statement.port, ['inet_service'], context);
  const unknown = passOrDrop(
    `"${printStatement(statement).slice(0, 120)}" leaves the packet as it is ${where(context)}`,
    context,
  );
  return (state, spot) => {
    const of: Family = state.source.family;
    // In an inet table a translation of one family lets packets of the other pass.
    if (family !== undefined && (family === 'ip' ? 4 : 6) !== of) return true;
    const starts: readonly ValueArm[] = address ? address(state, spot) : [{ state, covers: undefined }];
    const ways: Way[] = [];
    for (const first of starts) {
      const share = first.chance === undefined ? {} : { chance: first.chance };
      if (address && first.covers === undefined) {
        ways.push(...(unknown(first.state, spot) as readonly Way[]).map((way) => ({ ...way, ...share })));
        continue;
      }
      if (first.covers?.length === 0) {
        ways.push({ state: first.state, then: 'break', ...share });
        continue;
      }
      const ports: readonly ValueArm[] = port
        ? port(first.state, spot)
        : [{ state: first.state, covers: first.covers?.[1] ? [first.covers[1]] : undefined }];
      for (const second of ports) {
        const chance = times(first.chance, second.chance);
        if (second.covers?.length === 0) {
          ways.push({ state: second.state, then: 'break', ...chance });
          continue;
        }
        const range = rangeOf(first.covers?.[0], second.covers?.[0], of);
        if (range === undefined || (port && second.covers === undefined)) {
          ways.push(...(unknown(second.state, spot) as readonly Way[]).map((way) => ({ ...way, ...chance })));
          continue;
        }
        const options: NatRange = { ...range, random, persistent };
        ways.push(
          ...translated(action, statement.prefix, second.state, options, spot).map((way) => ({
            ...way,
            ...times(chance.chance, way.chance),
          })),
        );
      }
    }
    return ways.length === 0 ? false : ways;
  };
}

/** undefined where these are no addresses or ports. */
function rangeOf(address: Cover | undefined, port: Cover | undefined, family: Family): NatRange | undefined {
  const ends = (cover: Cover): readonly [bigint, bigint] | undefined =>
    cover.kind === 'one' && typeof cover.value === 'bigint'
      ? [cover.value, cover.value]
      : cover.kind === 'range'
        ? [cover.low, cover.high]
        : undefined;
  const of = (value: bigint): Address => ({ family, value });
  let range: NatRange = {};
  if (address) {
    const found = ends(address);
    if (!found) return undefined;
    range = { addresses: { low: of(found[0]), high: of(found[1]) } };
  }
  if (port) {
    const found = ends(port);
    if (!found) return undefined;
    range = { ...range, ports: { low: Number(found[0]), high: Number(found[1]) } };
  }
  return range;
}

function translated(
  action: Nat['action'],
  prefix: boolean,
  state: State,
  range: NatRange,
  spot: Parameters<Op>[1],
): readonly Way[] {
  const then = { kind: 'accept' } as const;
  const way = ({ state: changed, chance }: { readonly state: State; readonly chance?: number }): Way => ({
    state: changed,
    then,
    effect: action,
    ...(chance === undefined ? {} : { chance }),
  });
  const options = prefix ? prefixed(action, state, range) : range;
  switch (action) {
    case 'dnat':
      return translateDestination(state, options).map(way);
    case 'redirect': {
      const arms = redirect(state, options, spot);
      return arms.length > 0 ? arms.map(way) : [{ state, then: { kind: 'drop' }, effect: 'redirect' }];
    }
    case 'snat':
      return [way({ state: translateSource(state, options) })];
    case 'masquerade':
      return [way({ state: masquerade(state, options, spot) })];
  }
}

/** `dnat prefix to`: the packet's own bits behind the prefix stay (NF_NAT_RANGE_NETMAP). */
function prefixed(action: Nat['action'], state: State, range: NatRange): NatRange {
  const { addresses } = range;
  if (!addresses) return range;
  const { low, high } = addresses;
  const bits = (low.value ^ high.value).toString(2).replace(/^0$/, '').length;
  const length = (low.family === 4 ? 32 : 128) - bits;
  const mapped = mapPrefix(action === 'snat' ? state.source : state.destination, low, length);
  return { ...range, addresses: { low: mapped, high: mapped } };
}

export function assignOp(statement: Statement & { kind: 'assign' }, context: Context): Op {
  const { key, value } = statement;
  const set = setter(key);
  if (set === undefined) return () => true;
  const read = valuesOf(value, [typeOf(key)], context);
  const shown = printStatement(statement);
  const unknown = unknownOp(`"${shown.slice(0, 120)}" changes nothing of consequence ${where(context)}`, context);
  return (state, spot) => {
    const found = read(state, spot);
    if (found.length === 0) return false;
    return found.flatMap((arm): readonly Way[] => {
      const share = arm.chance === undefined ? {} : { chance: arm.chance };
      const cover = arm.covers?.[0];
      if (arm.covers?.length === 0) return [{ state: arm.state, then: 'break', ...share }];
      if (cover?.kind !== 'one' || typeof cover.value !== 'bigint')
        return (unknown(arm.state, spot) as readonly Way[]).map((way) => ({
          ...way,
          then: 'next',
          effect: 'unknown',
          ...share,
        }));
      const changed = set(arm.state, cover.value);
      if (changed === undefined) return [{ state: arm.state, then: 'break', ...share }];
      return [{ state: changed, then: 'next', effect: changed === arm.state ? 'none' : 'mark', ...share }];
    });
  };
}

/** What an assignment changes of a state; its own result is undefined where the packet has no such field. undefined: nothing that matters here. */
function setter(key: Expression): ((state: State, value: bigint) => State | undefined) | undefined {
  if (key.kind === 'meta')
    return key.key === 'mark' ? (state, value) => ({ ...state, mark: Number(value & 0xffffffffn) }) : undefined;
  if (key.kind === 'ct') {
    if (key.key === 'mark')
      // nft_ct_set_eval does nothing where there is no connection, and the rule goes on.
      return (state, value) =>
        state.connection.tracking === 'tracked'
          ? { ...state, connection: { ...state.connection, mark: Number(value & 0xffffffffn) } }
          : state;
    if (key.key === 'zone')
      return (state, value) =>
        state.connection.tracking === 'none'
          ? { ...state, connection: { ...state.connection, zone: Number(value & 0xffffn) } }
          : state;
    return undefined;
  }
  if (key.kind !== 'payload') return undefined;
  const { protocol, field } = key;
  if (protocol === 'ip' || protocol === 'ip6') {
    const family = protocol === 'ip' ? 4 : 6;
    const of = (change: (state: State, value: bigint) => State) => (state: State, value: bigint) =>
      state.source.family === family ? change(state, value) : undefined;
    if (field === 'saddr') return of((state, value) => ({ ...state, source: { family, value } }));
    if (field === 'daddr') return of((state, value) => ({ ...state, destination: { family, value } }));
    if (field === 'dscp') return of((state, value) => ({ ...state, dscp: Number(value) }));
    return of((state) => state);
  }
  if (protocol !== 'th' && protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') return undefined;
  return (state, value) => {
    if (state.protocol === 'icmp' || (protocol !== 'th' && state.protocol !== protocol)) return undefined;
    if (field === 'dport') return { ...state, destinationPort: Number(value) };
    return field === 'sport' ? { ...state, sourcePort: Number(value) } : state;
  };
}

/** Elements that rules add to sets are seen by the rules that come later. */
export function dynsetOp(statement: Statement & { kind: 'dynset' }, inner: readonly Op[], context: Context): Op {
  const read = reader(statement.key);
  const name = `${context.table.label} ${statement.set}`;
  return (state, spot) => {
    const found = arms(read(state, spot), state);
    if (found.length === 0) return false;
    return found.flatMap((arm): readonly Way[] => {
      const values = (Array.isArray(arm.value) ? arm.value : [arm.value]) as readonly (Value | undefined)[];
      const words = values.every((one) => one !== undefined) ? elementWords(name, values) : undefined;
      const added =
        words === undefined
          ? arm.state
          : statement.op === 'delete'
            ? forget(arm.state, words)
            : remember(arm.state, words);
      let ways: readonly Way[] = [
        { state: added, then: 'next', ...(arm.chance === undefined ? {} : { chance: arm.chance }) },
      ];
      for (const op of inner)
        ways = ways.flatMap((way): readonly Way[] => {
          if (way.then !== 'next') return [way];
          const result = op(way.state, spot);
          return typeof result === 'boolean' ? [result ? way : { ...way, then: 'break' }] : result;
        });
      return ways;
    });
  };
}

/** queue, synproxy, tproxy: someone else decides. */
export function handoverOp(statement: Statement & { kind: 'handover' }, context: Context): Op {
  const { action, text } = statement;
  switch (action) {
    case 'flow':
    case 'dup':
      // The first packet of a connection is not offloaded yet; a copy leaves the packet itself alone.
      return () => true;
    case 'tproxy':
      return unknownOp(`a program listens on what "${text}" names ${where(context)}`, context);
    default: {
      const words = `the program behind "${text}" lets the packet pass ${where(context)}`;
      return (state) =>
        assume(state, words, context.rule.place).map(({ state: assumed, holds }): Way => ({
          state: assumed,
          then: { kind: holds ? 'accept' : 'drop' },
          effect: 'unknown',
        }));
    }
  }
}

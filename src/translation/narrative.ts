/**
 * A packet's way told as a document: station by station, hook by hook, with each rule that decided. Text with links, for whatever
 * shows documents.
 */
import { formatAddress, formatEndpoint } from '../netfilter/address.ts';
import type { Hook, Outcome, Step } from '../netfilter/outcome.ts';
import { isLocal } from './clients.ts';
import { servicesAt } from './directory.ts';
import { destinationOf, outcomeLines, staleNote } from './outcome-lines.ts';
import type { Ended } from './outcome-lines.ts';
import { jumpTarget, shortened, telling } from './rule-lines.ts';
import { percent } from '../diagnosis/shares.ts';
import { clipped, Sheet } from './sheet.ts';
import type { Narrative, Piece } from './sheet.ts';

export interface Told extends Ended {
  /** "shop/front from a pod on node-3". */
  readonly title: string;
  /** What is to be known before the way: "shop/front has no port 99/TCP." */
  readonly remark?: string;
}

export function narrate(told: Told): Narrative {
  const page = new Sheet(told.node.name);
  const { packet } = told;
  const to = formatEndpoint(packet.destination, packet.destinationPort);
  const protocol = packet.protocol === 'icmp' ? 'ping' : packet.protocol.toUpperCase();
  const state = packet.state && packet.state !== 'new' ? `${packet.state} connection` : 'new connection';
  page.line(
    `${told.title} (${formatAddress(packet.source)} → ${to}${packet.protocol === 'icmp' ? '' : `/${protocol}`}, ${packet.protocol === 'icmp' ? 'an echo request' : state})`,
  );
  page.line(
    `${told.node.name} · ${told.node.about} · read ${new Date(told.node.at).toISOString().replace('T', ' ').slice(0, 19)} UTC`,
  );
  if (told.remark !== undefined) page.line(told.remark);
  page.line('');
  if (told.outcomes.length === 0) page.line('The rules give no answer.');
  let routed = false;
  for (const station of stationsOf(told.outcomes)) {
    if (!routed && (station.hook === 'forward' || station.hook === 'input' || station.hook === 'postrouting')) {
      routing(page, told);
      routed = true;
    }
    tellStation(page, told, station);
  }
  if (!routed) routing(page, told);
  page.line('');
  outcomeLines(page, told);
  return page.done();
}

interface Station {
  readonly hook: Hook;
  readonly engine: Step['engine'];
  readonly table: string;
  /** Of each outcome that came by, in the order of the outcomes. */
  readonly ways: readonly { readonly outcome: Outcome; readonly steps: readonly Step[] }[];
}

const HOOKS: readonly Hook[] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/** Hook and table by hook and table, in the order in which the first outcome that met them did. */
function stationsOf(outcomes: readonly Outcome[]): readonly Station[] {
  const stations = new Map<
    string,
    { hook: Hook; engine: Step['engine']; table: string; ways: { outcome: Outcome; steps: Step[] }[]; at: number }
  >();
  for (const outcome of outcomes)
    for (const [i, step] of outcome.path.entries()) {
      const key = `${step.hook} ${step.engine} ${step.table}`;
      let station = stations.get(key);
      if (!station)
        stations.set(key, (station = { hook: step.hook, engine: step.engine, table: step.table, ways: [], at: i }));
      const last = station.ways.at(-1);
      if (last?.outcome === outcome) last.steps.push(step);
      else station.ways.push({ outcome, steps: [step] });
    }
  const order = (hook: Hook) => HOOKS.indexOf(hook);
  return [...stations.values()].sort((a, b) => order(a.hook) - order(b.hook) || a.at - b.at);
}

const LEFT = 12;
const CHAIN = 28;

function tellStation(page: Sheet, told: Told, station: Station): void {
  const decided = station.ways.map(({ outcome, steps }) => ({ outcome, steps, kept: telling(steps) }));
  const engine = station.engine === 'nftables' ? '' : ` (${station.engine === 'iptables-nft' ? 'nft' : 'legacy'})`;
  const heading = `${station.hook.toUpperCase().padEnd(LEFT)} ${station.table}${engine}`;
  const note = headingNote(told, station);
  if (decided.every(({ kept }) => kept.length === 0)) {
    const last = station.ways[0]?.steps.at(-1);
    page.line(`${heading}: ${note ?? 'nothing here decides'}`, ...returning(last));
    return;
  }
  page.line(note ? `${heading}: ${note}` : heading);
  const seen = new Set<string>();
  let chain = '';
  const idOf = (step: Step) => `${step.chain} ${step.place?.start ?? step.rule}`;
  for (const { outcome, kept } of decided)
    for (const [i, step] of kept.entries()) {
      // A rule that several ways share is told once; where it chooses among them, with every choice.
      if (seen.has(idOf(step))) continue;
      seen.add(idOf(step));
      const sharing = decided.filter((other) => other.kept.some((one) => idOf(one) === idOf(step)));
      // One rule that chooses by itself (numgen): its choices follow, each in a line of its own.
      const splits = step.chance !== undefined && sharing.length > 1;
      const next = kept[i + 1];
      const direct =
        !splits && next && next.chance === undefined && leadsTo(step, next) && !seen.has(idOf(next)) ? next : undefined;
      tellStep(page, told, step, direct, chain === step.chain ? '' : step.chain, {
        outcomes: sharing.map((other) => other.outcome),
        outcome,
        rest: isRest(
          step,
          decided.flatMap((other) => other.kept),
        ),
        splits,
      });
      if (direct) seen.add(idOf(direct));
      chain = step.chain;
    }
}

/** A jump to a chain whose only telling rule is the translation: told in one line with it. */
function leadsTo(step: Step, next: Step): boolean {
  return (step.effect === 'jump' || step.effect === 'goto') && next.effect === 'dnat' && next.chain !== step.chain;
}

/** The last of the endpoints has no chance of its own, and asks for nothing: it gets what the others left. */
function isRest(step: Step, all: readonly Step[]): boolean {
  return (
    step.chance === undefined &&
    conditionOf(step) === '' &&
    all.some((other) => other.chain === step.chain && other.chance !== undefined)
  );
}

function tellStep(
  page: Sheet,
  told: Told,
  step: Step,
  direct: Step | undefined,
  chain: string,
  choice: {
    readonly outcomes: readonly Outcome[];
    readonly outcome: Outcome;
    readonly rest: boolean;
    readonly splits: boolean;
  },
): void {
  const parts: Piece[] = [`  ${clipped(chain, CHAIN).padEnd(CHAIN)} `, ...placed(told, step), '  '];
  const condition = conditionOf(step);
  const { chance } = step;
  if (choice.rest) parts.push('the rest');
  else if (chance !== undefined && chance < 1 && step.effect !== 'dnat')
    parts.push(choice.splits ? `at random, ${percent(chance)} each` : chanceWords(chance));
  else if (condition) parts.push(condition);
  const target = jumpTarget(step);
  if (direct) {
    parts.push(`  → ${clipped(target ?? direct.chain, CHAIN)} `, ...placed(told, direct));
    parts.push(
      `  → ${destinationOf(choice.outcome)}  ${percent(choice.outcome.probability)}`,
      staleNote(told, choice.outcome),
    );
  } else if (step.effect === 'dnat' || step.effect === 'redirect') {
    if (choice.outcomes.length > 1) {
      page.line(...parts);
      for (const outcome of choice.outcomes)
        page.line(
          `${''.padEnd(CHAIN + 14)}→ ${destinationOf(outcome)}  ${percent(outcome.probability)}`,
          staleNote(told, outcome),
        );
      return;
    }
    parts.push(
      `  → ${destinationOf(choice.outcome)}  ${percent(choice.outcome.probability)}`,
      staleNote(told, choice.outcome),
    );
  } else parts.push(effectWords(step, target));
  page.line(...parts);
}

function effectWords(step: Step, target: string | undefined): string {
  switch (step.effect) {
    case 'jump':
    case 'goto':
      return target ? `  → ${target}` : '';
    case 'mark':
      return /KUBE-POSTROUTING/.test(step.chain) ? '  takes the mark off again' : '  sets the mark';
    case 'masquerade':
      return "  → the source becomes the address of the node's way out";
    case 'snat':
      return '  → another source';
    case 'reject':
      return '  → REJECT';
    case 'drop':
      return '  → DROP';
    case 'accept':
      return '  → ACCEPT';
    case 'unknown':
      return '  ? what it does is not known';
    default:
      return '';
  }
}

/** "1 of 3" where it is a simple fraction. */
function chanceWords(chance: number): string {
  const of = Math.round(1 / chance);
  return Math.abs(1 / chance - of) < 1e-4 ? `1 of ${of} of what comes here` : `${percent(chance)} of what comes here`;
}

function headingNote(told: Told, station: Station): string | undefined {
  const { destination } = told.packet;
  if ((station.hook === 'prerouting' || station.hook === 'output') && isNat(station)) {
    const text = formatAddress(destination);
    if (told.node.mode === 'ipvs' && servicesAt(told.objects, text).length > 0)
      return `${text} is an address of this node, as every VIP is in IPVS mode: no rule changes where it goes`;
    return isLocal(told.node.network, destination)
      ? `${text} is an address of this node: without a rule its own processes would answer`
      : `${text} is no address of this node: only a rule can change where it goes`;
  }
  if (station.hook === 'postrouting' && isNat(station)) {
    const kept = station.ways.every(({ outcome }) => !outcome.masquerade);
    return kept ? `not masqueraded, the source stays ${formatAddress(told.packet.source)}` : undefined;
  }
  return undefined;
}

function isNat(station: Station): boolean {
  return station.table === 'nat' || station.ways.some(({ steps }) => steps.some((step) => /^nat-/.test(step.chain)));
}

/** The rule that sent the packet back, where one did: the last word of a station that decided nothing. */
function returning(step: Step | undefined): readonly Piece[] {
  return step?.effect === 'return' && step.place
    ? [` (${step.chain} `, { words: `line ${step.place.line}`, place: step.place }, ')']
    : [];
}

function routing(page: Sheet, told: Told): void {
  const ways = told.outcomes.flatMap((outcome) => {
    const { routing: way } = outcome;
    if (!way) return [];
    const to = formatAddress(outcome.destination);
    return [
      way.delivered === 'local' ? `${to} to this node itself` : `${to} by ${way.interface ?? 'no known interface'}`,
    ];
  });
  if (ways.length > 0) page.line(`${'routing'.padEnd(LEFT)} ${[...new Set(ways)].join(' · ')}`);
}

/** What the rule asks of a packet, without its chain and target. */
function conditionOf(step: Step): string {
  const text = shortened(step.rule);
  if (step.engine === 'nftables') return text.replace(/\s*\b(?:jump|goto) \S+$/, '');
  return text.replace(/^-A \S+ ?/, '').replace(/ ?-[jg] .*$/, '');
}

function placed(told: Told, step: Step): readonly Piece[] {
  const { place } = step;
  if (!place) return ['policy'.padEnd(9)];
  const words = `line ${place.line}`;
  const other = place.dump.endsWith('iptables-save.txt') || told.node.mode === 'nftables' ? '' : ` of ${place.dump}`;
  return [{ words, place }, `${other}`.padEnd(Math.max(0, 9 - words.length))];
}

/** Rules of kube-proxy in a backend or mode that it no longer writes to: the kernel still follows them. */
import { asPart, type Slices } from '../netfilter/slices.ts';
import { consequences, witnesses } from './consequence.ts';
import type { Leftover } from './drift-types.ts';
import type { Court } from './judge.ts';
import { usualProbes } from './probes.ts';

/** @param known ports whose own rules are wrong already */
export function* leftoverSlices(
  court: Court,
  places: readonly Leftover['where'][],
  known: ReadonlySet<string>,
): Slices<readonly Leftover[]> {
  if (places.length === 0) return [];
  const decides = yield* asPart(decided(court), (own) => own / 2);
  const acts = yield* asPart(actsOf(court, known), (own) => (1 + own) / 2);
  return places.map((where) => ({ where, family: court.ground.family, decides, acts }));
}

/** Ports whose packets the leftovers would change beside kube-proxy's own rules as they should be. */
function* actsOf(court: Court, known: ReadonlySet<string>): Slices<Leftover['acts']> {
  const { node, objects, index } = court;
  const acts: Leftover['acts'][number][] = [];
  for (const [i, port] of index.ports.entries()) {
    yield i / index.ports.length;
    if (known.has(port.label)) continue;
    const probes = usualProbes(port, court.ground);
    const found = witnesses(probes, court.clean, court.expected);
    if (found.length === 0) continue;
    const subject = { label: port.label, node, objects, endpoints: court.endpointsOf(port) };
    const told = consequences(found, probes, subject);
    acts.push({ label: port.label, ways: told.flatMap(({ ways }) => ways), words: told[0]!.words });
  }
  return acts;
}

/** Which place's rule translates or ends each packet; the first one that does, since nat asks no further. */
function* decided(court: Court): Slices<Leftover['decides']> {
  const found = new Map<Leftover['decides'][number]['where'], { packets: number; labels: Set<string> }>();
  const { ports } = court.index;
  for (const [i, port] of ports.entries()) {
    yield i / ports.length;
    for (const probe of usualProbes(port, court.ground)) {
      const step = court
        .actual(probe.packet)[0]
        ?.path.find(({ effect }) => effect === 'dnat' || effect === 'drop' || effect === 'reject');
      if (!step) continue;
      const own = found.get(step.engine) ?? { packets: 0, labels: new Set() };
      own.packets++;
      own.labels.add(port.label);
      found.set(step.engine, own);
    }
  }
  return [...found]
    .map(([where, { packets, labels }]) => ({ where, packets, labels: [...labels] }))
    .sort((a, b) => b.packets - a.packets);
}

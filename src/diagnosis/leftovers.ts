/** Rules of kube-proxy in a backend or mode that it no longer writes to: the kernel still follows them. */
import { consequences, witnesses } from './consequence.ts';
import type { Leftover } from './drift-types.ts';
import type { Court } from './judge.ts';
import { usualProbes } from './probes.ts';

/** @param known ports whose own rules are wrong already */
export function leftoversOf(
  court: Court,
  places: readonly Leftover['where'][],
  known: ReadonlySet<string>,
): readonly Leftover[] {
  if (places.length === 0) return [];
  const decides = decided(court);
  const acts = actsOf(court, known);
  return places.map((where) => ({ where, family: court.ground.family, decides, acts }));
}

/** Ports whose packets the leftovers would change beside kube-proxy's own rules as they should be. */
function actsOf(court: Court, known: ReadonlySet<string>): Leftover['acts'] {
  return court.index.ports.flatMap((port) => {
    if (known.has(port.label)) return [];
    const probes = usualProbes(port, court.ground);
    const found = witnesses(probes, court.clean, court.expected);
    if (found.length === 0) return [];
    const { node, objects } = court;
    const subject = { label: port.label, node, objects, endpoints: court.endpointsOf(port) };
    const told = consequences(found, probes, subject);
    return [{ label: port.label, ways: told.flatMap(({ ways }) => ways), words: told[0]!.words }];
  });
}

/** Which place's rule translates or ends each packet; the first one that does, since nat asks no further. */
function decided(court: Court): Leftover['decides'] {
  const found = new Map<Leftover['decides'][number]['where'], { packets: number; labels: Set<string> }>();
  for (const port of court.index.ports)
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
  return [...found]
    .map(([where, { packets, labels }]) => ({ where, packets, labels: [...labels] }))
    .sort((a, b) => b.packets - a.packets);
}

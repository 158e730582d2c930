import { dependsOnNode, type Proxied } from '../proxied.ts';
import { selectEndpoints, type NodePlace, type Selection } from '../selection.ts';
import type { ProxiedPort } from '../services.ts';
import { atLeast } from '../version.ts';
import type { PortLines } from './lines.ts';
import { portLines as portLines120 } from './ports-1.20.ts';
import { portLines as portLines124 } from './ports-1.24.ts';
import { portLines as portLines125 } from './ports-1.25.ts';
import type { IptablesSettings } from './settings.ts';

/** What a service port contributes to a node's rules. */
export interface ExpectedPort {
  readonly port: ProxiedPort;
  readonly selection: Selection;
  readonly lines: PortLines;
}

interface Remembered {
  readonly settings: string;
  readonly expected: ExpectedPort;
}

/** Only what is the same on every node is kept. A Service that changes is read anew, and forgotten here. */
const memory = new WeakMap<Proxied, Remembered[]>();

/** An old and a new configuration; nodes that differ in more are computed each time. */
const REMEMBERED = 2;

/**
 * Most service ports mean the same on every node: without policies Local and without hints nothing about them depends on it. Those
 * are computed once for all nodes whose kube-proxies are configured alike.
 */
export function expectedPort(found: Proxied, place: NodePlace, settings: IptablesSettings): ExpectedPort {
  if (dependsOnNode(found)) return compute(found, place, settings);
  const key = settingsKey(found.port, settings);
  const known = memory.get(found) ?? [];
  const remembered = known.find((each) => each.settings === key);
  if (remembered) return remembered.expected;
  const expected = compute(found, place, settings);
  memory.set(found, [{ settings: key, expected }, ...known].slice(0, REMEMBERED));
  return expected;
}

function compute({ port, endpoints }: Proxied, place: NodePlace, settings: IptablesSettings): ExpectedPort {
  const selection = selectEndpoints(port, endpoints, place);
  const { release } = settings;
  const write = atLeast(release, 25) ? portLines125 : atLeast(release, 24) ? portLines124 : portLines120;
  return { port, selection, lines: write(port, selection, settings) };
}

/** All of the settings that a port's own lines are made of. */
function settingsKey(port: ProxiedPort, settings: IptablesSettings): string {
  const { release, family, masqueradeAll, localTraffic, nodePorts, nfacct, large, nodeIP } = settings;
  const parts = [
    `${release.minor}.${release.patch}`,
    family,
    masqueradeAll,
    localTraffic,
    nodePorts.onLocalhost,
    nodePorts.someAddress,
    nfacct,
    large,
    port.sourceRanges.length > 0 ? nodeIP : '',
  ];
  return JSON.stringify(parts);
}

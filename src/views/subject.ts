import type { NodesRow } from './nodes-rows.ts';
import type { ServicesRow } from './services-rows.ts';

/** What a command was called for: a Service, perhaps one of its ports, perhaps a node. */
export interface Subject {
  /** "namespace/name". */
  readonly service?: string;
  /** PortStory's id: "80/TCP". */
  readonly port?: string;
  readonly node?: string;
  /** A dump's name. */
  readonly dump?: string;
}

/**
 * From the arguments that VS Code gives a command: a row of one of our trees, or what our own links hold ("namespace/name",
 * then a port or a node), or nothing.
 */
export function subjectOf(first: unknown, second?: unknown): Subject {
  if (typeof first === 'string') {
    if (typeof second !== 'string') return { service: first };
    return /^\d+\/(TCP|UDP|SCTP)$/.test(second) ? { service: first, port: second } : { service: first, node: second };
  }
  if (typeof first !== 'object' || first === null) return {};
  if (!('kind' in first)) return first as Subject;
  const row = first as ServicesRow | NodesRow;
  switch (row.kind) {
    case 'service':
      return { service: row.story.key };
    case 'port':
    case 'endpoints':
    case 'on-nodes':
    case 'endpoint':
      return { service: row.story.key, port: row.port.id };
    case 'nodes':
      return { service: row.story.key, port: row.port.id, ...(row.nodes[0] !== undefined && { node: row.nodes[0] }) };
    case 'node':
      return { node: row.name };
    case 'dump':
      return { node: row.node, dump: row.dump.name };
    default:
      return {};
  }
}

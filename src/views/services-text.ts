/** How a row of the Services tree reads: label, description, tooltip, and what a screen reader says. */
import { vipsOf } from '../translation/directory.ts';
import { addressAndPort } from '../translation/endpoints.ts';
import type { Programming } from '../translation/headline.ts';
import { wayWords } from '../translation/service.ts';
import type { State } from '../translation/standing.ts';
import type { ServiceStory } from '../translation/story.ts';
import { bold, code, escape } from './markdown.ts';
import type { ServicesRow } from './services-rows.ts';
import { troubleOf } from './services-rows.ts';
import { count, listOf, t } from './words.ts';

export type Mark = 'good' | 'warning' | 'error' | 'unknown' | 'quiet';

export interface RowText {
  readonly label: string;
  readonly description: string;
  /** Markdown, with $(codicons). */
  readonly tooltip: string;
  /** Said instead of label and description. */
  readonly spoken: string;
  /** A codicon. */
  readonly icon: string;
  readonly mark: Mark;
  /** Words that the `when` clauses of package.json look for. */
  readonly context: string;
  readonly opens: 'yes' | 'no' | 'open';
}

export function servicesText(row: ServicesRow, programming: (key: string) => Programming | undefined): RowText {
  switch (row.kind) {
    case 'namespace':
      return plain(row.name, count(row.services, '{0} Service', '{0} Services'), {
        icon: 'symbol-namespace',
        context: 'namespace',
        opens: row.few ? 'open' : 'yes',
        spoken: t('Namespace {0}, {1}', row.name, count(row.services, '{0} Service', '{0} Services')),
      });
    case 'note':
      return plain(row.text, '', { icon: 'info', context: 'note', opens: 'no' });
    case 'service':
      return serviceText(row, programming(row.story.key));
    case 'port': {
      const { port, protocol, endpoints } = row.port;
      const target =
        [...new Set(endpoints.map((endpoint) => endpoint.port))].join(', ') || String(port.targetPort ?? '');
      const numbers = `${port.port} → ${target}/${protocol}`;
      const nodePort = port.nodePort ? ` · ${t('node port {0}', port.nodePort)}` : '';
      const ways = row.port.ways.map((way) => `- ${escape(wayWords(way))}`);
      return plain(
        port.name ?? String(port.port),
        port.name ? numbers + nodePort : `→ ${target}/${protocol}${nodePort}`,
        {
          icon: 'plug',
          context: row.story.proxied.is ? 'port diagram trace rules' : 'port',
          opens: 'yes',
          spoken: t('Port {0}: {1}', port.name ?? port.port, numbers + nodePort),
          tooltip: [bold(`${row.story.key}:${port.name ?? port.port}`), '', ...ways].join('\n'),
        },
      );
    }
    case 'endpoints': {
      const ready = row.port.endpoints.filter((endpoint) => endpoint.conditions.ready).length;
      const total = row.port.endpoints.length;
      return plain(t('Endpoints'), total === 0 ? t('none') : t('{0} of {1} ready', ready, total), {
        icon: 'symbol-array',
        context: 'endpoints',
        opens: total === 0 ? 'no' : 'yes',
        tooltip: t('The endpoints of this port as the API has them.'),
        mark: total === 0 ? 'warning' : 'quiet',
      });
    }
    case 'on-nodes':
      return plain(t('On the nodes'), '', {
        icon: 'server',
        context: 'on-nodes',
        opens: 'yes',
        tooltip: t("What each node's kernel really does with a packet to this port."),
      });
    case 'endpoint':
      return endpointText(row);
    case 'nodes':
      return nodesText(row);
  }
}

function plain(label: string, description: string, rest: Partial<RowText>): RowText {
  return {
    label,
    description,
    tooltip: escape(description ? `${label} · ${description}` : label),
    spoken: description ? `${label}, ${description}` : label,
    icon: 'circle-outline',
    mark: 'quiet',
    context: '',
    opens: 'no',
    ...rest,
  };
}

/** "ClusterIP 10.96.16.99:80,443". */
function addressWords(story: ServiceStory): string {
  const { spec } = story.service;
  const type = spec.type ?? 'ClusterIP';
  const [vip] = vipsOf(story.service);
  if (vip === undefined) return spec.clusterIP === 'None' ? t('headless') : type;
  const ports = [...new Set(story.ports.map(({ port }) => port.port))];
  const some = ports.length > 3 ? `${ports.slice(0, 3).join(',')},…` : ports.join(',');
  return `${type} ${vip.includes(':') ? `[${vip}]` : vip}${some && `:${some}`}`;
}

const SERVICE_ICONS: Readonly<Record<Mark, string>> = {
  good: 'pass',
  warning: 'warning',
  error: 'error',
  unknown: 'question',
  quiet: 'circle-outline',
};

function serviceMark(row: ServicesRow & { kind: 'service' }, programming: Programming | undefined): Mark {
  switch (troubleOf(row.headline, programming)) {
    case 0:
      return 'error';
    case 1:
    case 2:
      return 'warning';
    case 3:
      // Nothing is wrong with it in the API; of its rules nobody can say so.
      return programming && (programming.read === 0 || programming.pending.length > 0) ? 'quiet' : 'good';
    case 4:
      return 'quiet';
  }
}

function serviceText(row: ServicesRow & { kind: 'service' }, programming: Programming | undefined): RowText {
  const { story, headline } = row;
  const { metadata, spec } = story.service;
  const mark = serviceMark(row, programming);
  const wrong = programming?.badge === undefined ? undefined : t('wrong on {0}', programming.badge);
  // What is wrong comes first: a side bar is narrow.
  const parts =
    mark === 'good' || mark === 'quiet'
      ? [addressWords(story), headline.words]
      : wrong
        ? [wrong, headline.words, addressWords(story)]
        : [headline.words, addressWords(story)];
  const description = parts.filter((part, i) => part !== '' && parts.indexOf(part) === i).join(' · ');
  const vips = vipsOf(story.service);
  const tooltip = [
    `${bold(story.key)} · ${escape(spec.type ?? 'ClusterIP')}`,
    '',
    ...(vips.length > 0 ? [`$(globe) ${vips.map(code).join(' ')}`, ''] : []),
    ...story.ports.map(({ port, protocol }) => {
      const target = port.targetPort === undefined ? port.port : port.targetPort;
      const name = port.name ? `${escape(port.name)}: ` : '';
      const nodePort = port.nodePort ? `, ${escape(t('node port {0}', port.nodePort))}` : '';
      return `- ${name}${code(`${port.port} → ${target}/${protocol}`)}${nodePort}`;
    }),
    '',
    `${iconFor(headline.state)} ${escape(headline.words)}${headline.more ? `. ${escape(headline.more)}` : ''}`,
    ...(programming ? ['', programmingWords(programming)] : []),
  ].join('\n');
  return {
    label: metadata.name,
    description,
    tooltip,
    spoken: t('Service {0} in {1}: {2}', metadata.name, metadata.namespace ?? '', description),
    icon: mark === 'quiet' && programming && programming.pending.length > 0 ? 'history' : SERVICE_ICONS[mark],
    mark,
    context: `service yaml${vips.length > 0 ? ' vip' : ''}${story.proxied.is ? ' diagram trace rules' : ''}`,
    opens: 'yes',
  };
}

function iconFor(state: string): string {
  return state === 'healthy' ? '$(pass)' : state === 'unproxied' ? '$(info)' : '$(warning)';
}

function programmingWords(programming: Programming): string {
  if (programming.wrong.length > 0)
    return `$(error) ${escape(t('The rules on {0} differ from the API', listOf(programming.wrong)))}`;
  if (programming.pending.length > 0)
    return `$(clock) ${escape(t('Changed just before the rules of {0} were read, or since: pending', listOf(programming.pending)))}`;
  if (programming.read === 0) return `$(question) ${escape(t("The nodes' rules have not been read."))}`;
  if (programming.refusing.length > 0)
    return `$(circle-slash) ${escape(t('Refused on {0}', listOf(programming.refusing)))}`;
  return `$(pass) ${escape(t('As the API says on all {0} nodes that were read', programming.read))}`;
}

function endpointText(row: ServicesRow & { kind: 'endpoint' }): RowText {
  const { endpoint, missingOn } = row;
  const { conditions } = endpoint;
  const address = addressAndPort(endpoint.address, endpoint.port);
  const state = conditions.terminating
    ? conditions.serving
      ? t('terminating, still serving')
      : t('terminating')
    : conditions.ready
      ? t('ready')
      : (endpoint.notReady ?? t('not ready'));
  const missing = missingOn.length > 0 ? t('unknown to {0}', listOf(missingOn)) : '';
  const place = [endpoint.node, endpoint.zone].filter((part) => part !== undefined).join(' ');
  const mark: Mark = missing ? 'error' : conditions.ready ? 'good' : 'warning';
  // What is wrong comes first: a side bar is narrow, and pods have long names.
  const description = [missing, endpoint.pod ? address : '', place, state].filter((part) => part !== '').join(' · ');
  const label = endpoint.pod ?? address;
  return {
    label,
    description,
    tooltip: [
      `${bold(label)} ${code(address)}`,
      '',
      ...(endpoint.node
        ? [`$(server) ${escape(endpoint.node)}${endpoint.zone ? ` (${escape(endpoint.zone)})` : ''}`, '']
        : []),
      `${conditions.ready ? '$(pass)' : '$(warning)'} ${escape(state)}`,
      ...(missing
        ? ['', `$(error) ${escape(t('Ready, and yet the rules on {0} have no way to it.', listOf(missingOn)))}`]
        : []),
    ].join('\n'),
    spoken: t('Endpoint {0}: {1}', label, description),
    icon: missing
      ? 'error'
      : conditions.ready
        ? 'circle-filled'
        : conditions.terminating
          ? 'history'
          : 'circle-outline',
    mark,
    context: 'endpoint',
    opens: 'no',
  };
}

/** In the tooltip of a row for nodes that are alike. */
const MOST_NODES = 20;

function nodesText(row: ServicesRow & { kind: 'nodes' }): RowText {
  const { standing, nodes, title } = row;
  const marks = {
    programmed: 'good',
    refused: 'warning',
    wrong: 'error',
    pending: 'unknown',
    unknown: 'unknown',
    none: 'quiet',
  } as const;
  const icons = {
    programmed: 'pass',
    refused: 'circle-slash',
    wrong: 'error',
    pending: 'clock',
    unknown: 'question',
    none: 'dash',
  };
  return {
    label: title,
    description: standing.words,
    tooltip: [
      bold(listOf(nodes, MOST_NODES)),
      '',
      `$(${icons[standing.state]}) ${escape(standing.words)}`,
      ...(standing.advice ? ['', escape(standing.advice)] : []),
    ].join('\n'),
    spoken: t('On {0}: {1}', title, standing.words),
    icon: icons[standing.state],
    mark: marks[standing.state],
    context: contextOf(standing.state),
    opens: 'no',
  };
}

function contextOf(state: State): string {
  if (state === 'unknown') return 'standing capturable';
  return `standing diagram trace rules${state === 'pending' ? ' capturable' : ''}`;
}

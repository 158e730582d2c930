/** What the cluster makes of a Service in a YAML file, as Markdown. */
import { nearestTo, selectedPods, selectorText, targetOn } from '../diagnosis/selector.ts';
import type { ClusterObjects, Pod, Service } from '../kubernetes/objects.ts';
import { keyOf } from '../kubernetes/objects.ts';
import { podsIn, serviceNamed, vipsOf } from '../translation/directory.ts';
import { headlineOf, standingsOf } from '../translation/headline.ts';
import type { Scene } from '../translation/scene.ts';
import { storyIn } from '../translation/scene.ts';
import type { Standing, State } from '../translation/standing.ts';
import { bold, code, coloured, commandLink, escape } from './markdown.ts';
import { count, t } from './words.ts';
import type { YamlService } from './yaml-service.ts';

const ICONS: Readonly<Record<State, string>> = {
  programmed: coloured('pass', 'testing-iconPassed'),
  refused: coloured('circle-slash', 'list-warningForeground'),
  wrong: coloured('error', 'list-errorForeground'),
  pending: '$(clock)',
  unknown: '$(question)',
  none: '$(dash)',
};

const READY = coloured('pass', 'testing-iconPassed');
const UNREADY = coloured('warning', 'list-warningForeground');

/** The cluster's Service that the file means, with a word on how that was found; undefined where there is none. */
export function meantBy(
  yaml: YamlService,
  objects: ClusterObjects,
): { readonly service: Service; readonly note?: string } | undefined {
  const { name, namespace } = yaml.service.metadata;
  if (!yaml.pattern) {
    const named = serviceNamed(objects, `${namespace ?? 'default'}/${name}`);
    if (named) return { service: named };
    if (namespace !== undefined) return undefined;
    // The file names no namespace, and kubectl would take the one of its context.
    const elsewhere = objects.services.filter((service) => service.metadata.name === name);
    if (elsewhere.length !== 1) return undefined;
    return { service: elsewhere[0]!, note: t('The file names no namespace; this is the only Service of that name.') };
  }
  const { pattern } = yaml;
  const fits = objects.services.filter(
    ({ metadata }) => pattern.test(metadata.name) && (namespace === undefined || metadata.namespace === namespace),
  );
  return fits.length === 1
    ? { service: fits[0]!, note: t('The only Service whose name fits the template.') }
    : undefined;
}

/** @param cluster the cluster's name */
export function yamlHoverText(yaml: YamlService, scene: Scene, cluster: string): string {
  const { objects } = scene;
  const meant = meantBy(yaml, objects);
  const { about } = yaml;
  // The file's own selector and ports are asked about, in the namespace where they would count.
  const namespace = meant?.service.metadata.namespace ?? yaml.service.metadata.namespace ?? 'default';
  const asked: Service = { ...yaml.service, metadata: { ...yaml.service.metadata, namespace } };
  switch (about.kind) {
    case 'selector':
      return selectorPart(asked, objects).join('\n\n');
    case 'port':
      return portPart(asked, about.index, objects, meant && { scene, service: meant.service }).join('\n\n');
    case 'service':
      if (meant) return serviceText(meant.service, meant.note, scene, cluster);
      return [
        yaml.pattern
          ? escape(t('A template makes this name, and no single Service of {0} fits it.', cluster))
          : `${bold(`${namespace}/${asked.metadata.name}`)}: ${escape(t('not in {0}.', cluster))}`,
        ...selectorPart(asked, objects),
      ].join('\n\n');
  }
}

function serviceText(service: Service, note: string | undefined, scene: Scene, cluster: string): string {
  const story = storyIn(scene, service);
  const headline = headlineOf(scene.objects, story);
  const vips = vipsOf(service).map(code).join(' ');
  const head = `${bold(story.key)} ${escape(t('in {0}', cluster))} · ${[vips, escape(headline.words)].filter((part) => part).join(' · ')}`;
  const parts = [head];
  if (headline.more) parts.push(escape(headline.more));
  if (note) parts.push(`*${escape(note)}*`);
  if (!story.proxied.is) return parts.join('\n\n');
  let wrongNode: string | undefined;
  let unread = false;
  // Ports that fare alike are told together.
  const fates = new Map<string, string[]>();
  for (const port of story.ports) {
    const lines = standingsOf(scene, story, port).map(({ title, nodes, standing }) => {
      if (standing.state === 'wrong') wrongNode ??= nodes[0];
      if (standing.state === 'unknown' || standing.state === 'pending') unread = true;
      return nodesLine(title, standing);
    });
    const fate = lines.join('\n');
    const name = portName(port.port.name, port.port.port, port.endpoints[0]?.port);
    fates.set(fate, [...(fates.get(fate) ?? []), name]);
  }
  for (const [fate, ports] of fates) parts.push(ports.join(', '), fate);
  const links = [
    commandLink(t('Diagram'), 'serviceTraffic.showDiagram', story.key),
    commandLink(t('Trace'), 'serviceTraffic.trace', story.key),
    ...(wrongNode === undefined
      ? []
      : [commandLink(t('Rules on {0}', wrongNode), 'serviceTraffic.openRules', story.key, wrongNode)]),
    ...(unread ? [commandLink(t("Read the nodes' rules"), 'serviceTraffic.capture')] : []),
    commandLink(t('Side bar'), 'serviceTraffic.revealInTree', story.key),
  ];
  parts.push(links.join(' · '));
  return parts.join('\n\n');
}

function portName(name: string | undefined, port: number, target: number | undefined): string {
  const to = target === undefined ? '' : ` → ${target}`;
  return `${code(`:${port}${to}`)}${name ? ` ${escape(name)}` : ''}`;
}

function nodesLine(title: string, standing: Standing): string {
  const words = standing.state === 'wrong' ? bold(standing.words) : escape(standing.words);
  return `- ${ICONS[standing.state]} ${escape(title)}: ${words}`;
}

const SHOWN = 8;

function podLines(pods: readonly Pod[]): string {
  const ready = (pod: Pod): boolean =>
    pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  const lines = pods.slice(0, SHOWN).map((pod) => {
    const where = [pod.status?.podIP, pod.spec?.nodeName].filter((part) => part).join(' · ');
    return `- ${ready(pod) ? READY : UNREADY} ${escape(pod.metadata.name)}${where ? ` · ${escape(where)}` : ''}${ready(pod) ? '' : ` · ${escape(t('not ready'))}`}`;
  });
  if (pods.length > SHOWN) lines.push(`- ${escape(t('and {0} more', pods.length - SHOWN))}`);
  return lines.join('\n');
}

/** The pods that the selector matches, or what it nearly matches. */
function selectorPart(service: Service, objects: ClusterObjects): string[] {
  const { selector } = service.spec;
  if (!selector || Object.keys(selector).length === 0)
    return [escape(t('Without a selector: somebody has to write its EndpointSlices.'))];
  const wanted = code(selectorText(selector));
  const namespace = service.metadata.namespace ?? 'default';
  const pods = selectedPods(service, podsIn(objects, namespace));
  if (pods.length > 0)
    return [
      `${wanted} ${escape(count(pods.length, 'matches {0} pod of', 'matches {0} pods of'))} ${escape(namespace)}`,
      podLines(pods),
    ];
  if (objects.pods.length === 0) return [`${wanted}: ${escape(t('the pods are not known.'))}`];
  const parts = [`${UNREADY} ${wanted} ${escape(t('matches no pod of {0}.', namespace))}`];
  const nearest = nearestTo(service, objects.pods);
  if (nearest) {
    const have = count(nearest.pods.length, '{0} pod has', '{0} pods have');
    if (nearest.kind === 'label')
      parts.push(`${escape(have)} ${code(nearest.has)} ${escape(t('instead of'))} ${code(nearest.wanted)}`);
    else if (nearest.kind === 'too-much')
      parts.push(`${escape(have)} ${escape(t('all of it but'))} ${code(nearest.wanted)}`);
    else parts.push(`${escape(have)} ${escape(t('it in namespace {0}', nearest.namespace))}`);
    parts.push(podLines(nearest.pods));
  }
  return parts;
}

/** The container port that the Service port ends at, on each pod; and what the nodes do, where the cluster has the Service. */
function portPart(
  service: Service,
  index: number,
  objects: ClusterObjects,
  meant: { readonly scene: Scene; readonly service: Service } | undefined,
): string[] {
  const port = service.spec.ports?.[index];
  if (!port) return [];
  const protocol = port.protocol ?? 'TCP';
  const pods = selectedPods(service, podsIn(objects, service.metadata.namespace ?? 'default'));
  const title = code(`:${port.port}/${protocol}`);
  const parts: string[] = [];
  if (pods.length === 0) parts.push(`${title}: ${escape(t('the selector matches no pod.'))}`);
  else {
    const targets = pods.map((pod) => targetOn(pod, port.targetPort, port.port, protocol));
    const ends = new Map<string, number>();
    for (const target of targets)
      if (target.kind === 'port') {
        const container =
          target.container === undefined ? t('which no container declares') : t('container {0}', target.container);
        const words = `${code(String(target.port))} (${escape(container)})`;
        ends.set(words, (ends.get(words) ?? 0) + 1);
      }
    for (const [words, pods] of ends)
      parts.push(`${title} → ${words} ${escape(count(pods, 'on {0} pod', 'on {0} pods'))}`);
    const missed = targets.filter((target) => target.kind === 'no-such-name');
    if (missed.length > 0) {
      const has = [...new Set(missed.flatMap((target) => target.has))];
      const none =
        missed.length === pods.length
          ? t('No container port of the {0} pods is named', pods.length)
          : t('{0} of {1} pods have no container port named', missed.length, pods.length);
      parts.push(
        `${UNREADY} ${escape(none)} ${code(String(port.targetPort))}.${has.length > 0 ? ` ${escape(t('There are:'))} ${has.map(code).join(', ')}` : ''}`,
      );
    }
  }
  const story = meant && storyIn(meant.scene, meant.service);
  const own = story?.ports.find((one) => one.port.port === port.port && one.protocol === protocol);
  if (meant && story?.proxied.is && own) {
    const lines = standingsOf(meant.scene, story, own).map(({ title: nodes, standing }) => nodesLine(nodes, standing));
    parts.push(lines.join('\n'), commandLink(t('Diagram'), 'serviceTraffic.showDiagram', keyOf(meant.service), own.id));
  }
  return parts;
}

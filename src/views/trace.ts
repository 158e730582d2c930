/** Command: asks where a packet comes from and goes to, and opens its way as a document. */
import * as vscode from 'vscode';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { parseAddress } from '../netfilter/address.ts';
import { clientsFor, clientWords } from '../translation/clients.ts';
import { addressesOf, nodeAddress, nodeNamed, serviceNamed } from '../translation/directory.ts';
import { storyOf, wayId, wayWords } from '../translation/service.ts';
import { usualClient } from '../translation/standing.ts';
import type { Client, PortStory, ServiceStory, Way } from '../translation/story.ts';
import type { Traffic } from './context.ts';
import type { Subject } from './subject.ts';
import { traceUri } from './trace-documents.ts';
import type { TraceQuery } from './trace-query.ts';
import { addressIn, serviceTargets, typedTarget } from './trace-targets.ts';
import type { AddressTarget, TargetChoice } from './trace-targets.ts';
import { t } from './words.ts';

/** Where the packet goes. */
type Target =
  { readonly kind: 'way'; readonly story: ServiceStory; readonly port: PortStory; readonly way: Way } | AddressTarget;

/** Where it comes from. */
type Sender =
  | { readonly kind: 'client'; readonly node: string; readonly client: Client; readonly words: string }
  | { readonly kind: 'pod'; readonly node: string; readonly name: string; readonly address: string };

interface Choice<T> extends vscode.QuickPickItem {
  readonly value?: T;
}

const TITLE = t('Trace a Packet');

export async function trace(traffic: Traffic, subject: Subject): Promise<void> {
  const source = await traffic.open();
  const { objects } = source;
  const target = await askTarget(objects, subject);
  if (!target) return;
  const sender = await askSender(objects, target, subject.node);
  if (!sender) return;
  const asked = await queryOf(objects, target, sender);
  if (!asked) return;
  await open(traceUri(source, asked.title, asked.query));
}

/** Through a dump on disk: from an address to an address. */
export async function traceFile(file: vscode.Uri): Promise<void> {
  const target = await askAddress();
  if (!target) return;
  const { address, port } = target;
  const outside = outsideAddress(address);
  const text = await vscode.window.showInputBox({
    title: TITLE,
    prompt: t("From: a pod's, a node's or any other address"),
    value: outside,
    validateInput: (value) =>
      parseAddress(value.trim()) ? undefined : t('An address was expected, such as 10.244.0.7'),
  });
  const protocol = text === undefined ? undefined : await askProtocol(port);
  if (text === undefined || !protocol) return;
  const from = text.trim();
  const name = file.path.split('/').at(-1)!;
  const title = t('{0} from {1}', port === undefined ? address : `${address} ${port}`, from);
  const query = {
    kind: 'file',
    uri: file.toString(),
    from,
    to: address,
    protocol,
    ...(port !== undefined && { port }),
  } as const;
  await open(traceUri({ name }, title, query));
}

async function open(uri: vscode.Uri): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.languages.setTextDocumentLanguage(document, 'kube-trace');
  await vscode.window.showTextDocument(document, { preview: true });
}

/** One of the ranges for documentation: nobody has it. */
function outsideAddress(to: string): string {
  return to.includes(':') ? '2001:db8::9' : '203.0.113.9';
}

/** Without a port it is a ping. */
async function askProtocol(port: number | undefined): Promise<'tcp' | 'udp' | 'sctp' | 'icmp' | undefined> {
  if (port === undefined) return 'icmp';
  const chosen = await vscode.window.showQuickPick(['tcp', 'udp', 'sctp'], {
    title: TITLE,
    placeHolder: t('Protocol'),
  });
  return chosen as 'tcp' | 'udp' | 'sctp' | undefined;
}

async function askTarget(objects: ClusterObjects, subject: Subject): Promise<Target | undefined> {
  if (subject.service !== undefined) return askWay(objects, subject.service, subject.port);
  const chosen = await pickTarget(objects);
  if (chosen?.kind === 'service') return askWay(objects, chosen.key, undefined);
  return chosen?.kind === 'typed' ? askAddress(chosen.text) : chosen;
}

type Picked = TargetChoice['target'] | { readonly kind: 'typed'; readonly text: string };

/** Services as in any list; an address that is typed is offered as it stands. */
function pickTarget(objects: ClusterObjects): Promise<Picked | undefined> {
  const pick = vscode.window.createQuickPick<Choice<Picked>>();
  pick.title = TITLE;
  pick.placeholder = t('To: a Service, or an address such as 10.96.0.10:53');
  pick.matchOnDescription = true;
  const row = ({ label, description, target }: TargetChoice, alwaysShow = false): Choice<Picked> => ({
    label,
    description,
    value: target,
    alwaysShow,
  });
  const services = serviceTargets(objects).map((choice) => row(choice));
  const separator = { label: t('Services'), kind: vscode.QuickPickItemKind.Separator };
  const any = { label: `$(edit) ${t('Any address …')}`, alwaysShow: true };
  // All of them go to VS Code's window each time: only where the first row is another one.
  let first: string | undefined;
  const offer = (text: string): void => {
    const typed = typedTarget(objects, text);
    if (first === (typed?.label ?? '')) return;
    first = typed?.label ?? '';
    pick.items = [typed ? row(typed, true) : any, separator, ...services];
  };
  offer('');
  pick.onDidChangeValue(offer);
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      const [chosen] = pick.selectedItems;
      resolve(chosen && (chosen.value ?? { kind: 'typed', text: pick.value }));
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}

/** @param value what was typed elsewhere already */
async function askAddress(value = ''): Promise<AddressTarget | undefined> {
  const text = await vscode.window.showInputBox({
    title: TITLE,
    prompt: t('Where to: an address with its port, such as 10.96.0.10:53 or [fd00::1]:80; without a port for a ping'),
    value,
    validateInput: (typed) =>
      addressIn(typed) === undefined ? t('An address was expected, such as 10.96.0.10:53') : undefined,
  });
  return text === undefined ? undefined : addressIn(text);
}

async function askWay(objects: ClusterObjects, key: string, portId: string | undefined): Promise<Target | undefined> {
  const service = serviceNamed(objects, key);
  if (!service) return undefined;
  const story = storyOf(objects, service);
  if (!story.proxied.is) {
    void vscode.window.showInformationMessage(`${key}: ${story.proxied.why}`);
    return undefined;
  }
  const ports = portId === undefined ? story.ports : story.ports.filter(({ id }) => id === portId);
  const choices = ports.flatMap((port) =>
    port.ways.map((way) => ({
      label: wayWords(way),
      description: `${port.protocol}${port.port.name ? ` · ${port.port.name}` : ''}`,
      value: { kind: 'way', story, port, way } satisfies Target,
    })),
  );
  if (choices.length <= 1) return choices[0]?.value;
  return (await vscode.window.showQuickPick(choices, { title: TITLE, placeHolder: t('To {0}, by which address', key) }))
    ?.value;
}

async function askSender(
  objects: ClusterObjects,
  target: Target,
  node: string | undefined,
): Promise<Sender | undefined> {
  const names = objects.nodes
    .map(({ metadata }) => metadata.name)
    .sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const way: Way | undefined = target.kind === 'way' ? target.way : undefined;
  const clients: readonly Client[] =
    target.kind === 'way' ? clientsFor(target.story.service, target.way) : ['node', 'outside'];
  const usual = way && usualClient(way);
  const sorted = [...clients].sort((a, b) => Number(b === usual) - Number(a === usual));
  const choices: Choice<Sender>[] = sorted.flatMap((client) =>
    (node === undefined ? names : [node]).map((name) => {
      const outside = client.startsWith('outside');
      const words = clientWords(client, name, clients.includes('outside-refused'));
      return {
        label: words,
        description: outside ? t('arrives at {0}', name) : '',
        value: { kind: 'client', node: name, client, words },
      };
    }),
  );
  choices.push({ label: t('A certain pod'), kind: vscode.QuickPickItemKind.Separator });
  const family = way?.family ?? (target.kind === 'address' && target.address.includes(':') ? 6 : 4);
  for (const pod of objects.pods) {
    const address = addressesOf(pod).find((text) => parseAddress(text)?.family === family);
    const on = pod.spec?.nodeName;
    if (!address || !on || pod.spec?.hostNetwork || (node !== undefined && on !== node)) continue;
    const name = `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`;
    choices.push({ label: name, description: `${address} · ${on}`, value: { kind: 'pod', node: on, name, address } });
  }
  return (
    await vscode.window.showQuickPick(choices, { title: TITLE, placeHolder: t('From'), matchOnDescription: true })
  )?.value;
}

async function queryOf(
  objects: ClusterObjects,
  target: Target,
  sender: Sender,
): Promise<{ readonly title: string; readonly query: TraceQuery } | undefined> {
  const { node } = sender;
  if (target.kind === 'way') {
    const { story, port, way } = target;
    const words = sender.kind === 'client' ? sender.words : sender.name;
    const title = t('{0} from {1}', story.key, words);
    if (sender.kind === 'client')
      return {
        title,
        query: { kind: 'service', node, service: story.key, port: port.id, way: wayId(way), client: sender.client },
      };
    const own = nodeNamed(objects, node);
    const to = way.address ?? (own && nodeAddress(own, way.family));
    if (to === undefined) return undefined;
    const protocol = port.protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp';
    return { title, query: { kind: 'packet', node, from: sender.address, to, port: way.port, protocol } };
  }
  const { address, port } = target;
  const protocol = await askProtocol(port);
  if (!protocol) return undefined;
  const outside = outsideAddress(address);
  const from = sender.kind === 'pod' ? sender.address : sender.client === 'node' ? 'local' : outside;
  const words = sender.kind === 'pod' ? sender.name : sender.words;
  return {
    title: t('{0} from {1}', port === undefined ? address : `${address} ${port}`, words),
    query: {
      kind: 'packet',
      node,
      from,
      to: address,
      protocol,
      ...(port !== undefined && { port }),
    },
  };
}

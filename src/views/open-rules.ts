import * as vscode from 'vscode';
import { isForReading } from '../kubernetes/dump.ts';
import type { Dump } from '../kubernetes/source.ts';
import { nodeProxy } from '../kubeproxy/expected.ts';
import type { Outcome, Place } from '../netfilter/outcome.ts';
import { serviceNamed } from '../translation/directory.ts';
import { answerIn, storyIn, type Scene } from '../translation/scene.ts';
import { standingOf, usualClient } from '../translation/standing.ts';
import { captureIn } from './capture-of.ts';
import type { Traffic } from './context.ts';
import { pickNode } from './find.ts';
import { inOrder } from './nodes-rows.ts';
import { sceneOf } from './scene.ts';
import type { Subject } from './subject.ts';
import { count, t } from './words.ts';

/** Command: a node's dump; for a Service, at the rules that decide about it there. */
export async function openRules(traffic: Traffic, subject: Subject): Promise<void> {
  const source = await traffic.open();
  const node = subject.node ?? (await pickNode(traffic, t('Open Rules')));
  if (node === undefined) return;
  await traffic.captured([node]);
  const capture = captureIn(source.rules(node));
  if (!capture) {
    void vscode.window.showWarningMessage(t('The rules of {0} have not been read.', node));
    return;
  }
  const place =
    subject.service === undefined ? undefined : decisivePlace(sceneOf(source), subject.service, subject.port, node);
  if (place) return traffic.openRule({ node, dump: place.dump, line: place.line });
  const mode = nodeProxy(source.objects, node, capture.dumps).configuration.mode.value;
  const dump = subject.dump ?? (await pickDump(inOrder(capture.dumps, mode), node));
  if (dump) await traffic.openRule({ node, dump, line: 1 });
}

async function pickDump(dumps: readonly Dump[], node: string): Promise<string | undefined> {
  const worth = dumps.filter(({ name, text }) => isForReading(name) && text.trim() !== '');
  if (worth.length <= 1) return worth[0]?.name;
  const choices = worth.map(({ name, text, from }) => ({
    label: name,
    description: count(text.split('\n').length - 1, '{0} line', '{0} lines'),
    detail: from,
  }));
  return (await vscode.window.showQuickPick(choices, { title: t('Rules of {0}', node), placeHolder: t('A dump') }))
    ?.label;
}

/** The rule to look at: where a wrong stream ends; else the first rule that speaks of the Service. */
function decisivePlace(scene: Scene, key: string, portId: string | undefined, nodeName: string): Place | undefined {
  const service = serviceNamed(scene.objects, key);
  const node = scene.nodes.find(({ name }) => name === nodeName);
  if (!service || !node) return undefined;
  const story = storyIn(scene, service);
  const ports = portId === undefined ? story.ports : story.ports.filter(({ id }) => id === portId);
  let first: Place | undefined;
  for (const port of ports) {
    const { way = port.ways[0], state } = standingOf(scene, story, port, node);
    if (!way) continue;
    const answer = answerIn(scene, story, port, way, usualClient(way), node);
    if (answer.kind !== 'traced') continue;
    if (state === 'wrong') {
      const wrong = answer.streams.find((stream) => stream.wrong !== undefined)?.outcomes[0];
      const place = wrong && lastPlace(wrong);
      if (place) return place;
    }
    const [outcome] = answer.streams.flatMap((stream) => stream.outcomes);
    first ??= outcome && dispatchPlace(outcome, way.address);
  }
  return first;
}

function lastPlace(outcome: Outcome): Place | undefined {
  const ends = outcome.path.findLast(({ effect, place }) => place && ['dnat', 'reject', 'drop'].includes(effect));
  return ends?.place ?? outcome.path.findLast(({ place }) => place)?.place;
}

function dispatchPlace(outcome: Outcome, address: string | undefined): Place | undefined {
  const named = outcome.path.find(({ rule, place }) => place && address !== undefined && rule.includes(address));
  return (
    named?.place ?? outcome.path.find(({ effect, place }) => place && effect === 'dnat')?.place ?? lastPlace(outcome)
  );
}

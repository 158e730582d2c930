import * as vscode from 'vscode';
import type { ClusterObjects } from '../kubernetes/objects.ts';
import { keyOf } from '../kubernetes/objects.ts';
import { vipsOf } from '../translation/directory.ts';
import { findWhat, nothingFound, type Found } from '../translation/whatis.ts';
import type { Traffic } from './context.ts';
import { t } from './words.ts';

interface Choice extends vscode.QuickPickItem {
  readonly found: Found;
}

const ICONS = { service: 'type-hierarchy-sub', pod: 'circle-filled', node: 'server', nothing: 'question' } as const;
const BUTTONS = {
  diagram: { iconPath: new vscode.ThemeIcon('type-hierarchy-sub'), tooltip: t('Show Diagram') },
  trace: { iconPath: new vscode.ThemeIcon('debug-step-into'), tooltip: t('Trace a Packet') },
} as const;

function choiceOf(found: Found): Choice {
  return {
    label: `$(${ICONS[found.kind]}) ${found.title}`,
    description: found.why,
    alwaysShow: true, // what fits is decided by us: an address is not in the label
    buttons: found.kind === 'service' ? [BUTTONS.diagram, BUTTONS.trace] : [],
    found,
  };
}

/** Before anything is typed: the Services. */
function allServices(objects: ClusterObjects): readonly Found[] {
  return objects.services.slice(0, 200).map((service) => ({
    kind: 'service',
    service,
    title: keyOf(service),
    why: vipsOf(service)[0] ?? service.spec.type ?? '',
  }));
}

/** Command "What Is This Address?": by name, VIP, node port, pod address or pod name, as it is typed. */
export async function find(traffic: Traffic): Promise<void> {
  const { objects } = await traffic.open();
  const pick = vscode.window.createQuickPick<Choice>();
  pick.title = t('What Is This Address?');
  pick.placeholder = t('10.96.3.17:80, a node port, a pod address, or the name of a Service, pod or node');
  const offer = (query: string): void => {
    const found = query.trim() === '' ? allServices(objects) : findWhat(objects, query);
    pick.items = (found.length > 0 ? found : [nothingFound(objects, query)]).map(choiceOf);
  };
  offer('');
  pick.onDidChangeValue(offer);
  pick.onDidTriggerItemButton(({ item, button }) => {
    pick.hide();
    if (item.found.kind !== 'service') return;
    const command = button === BUTTONS.diagram ? 'showDiagram' : 'trace';
    void vscode.commands.executeCommand(`serviceTraffic.${command}`, keyOf(item.found.service), item.found.portId);
  });
  pick.onDidAccept(() => {
    const [chosen] = pick.selectedItems;
    pick.hide();
    if (chosen) void goTo(chosen.found);
  });
  pick.onDidHide(() => pick.dispose());
  pick.show();
}

async function goTo(found: Found): Promise<void> {
  switch (found.kind) {
    case 'service':
      await vscode.commands.executeCommand('serviceTraffic.revealInTree', keyOf(found.service), found.portId);
      return;
    case 'pod':
      await vscode.commands.executeCommand('serviceTraffic.openYaml', { kind: 'pods', key: keyOf(found.pod) });
      return;
    case 'node':
      await vscode.commands.executeCommand('serviceTraffic.revealInTree', { node: found.node.metadata.name });
      return;
    case 'nothing':
  }
}

/** Asks for a Service, where a command needs one and was called without. undefined: the user changed his mind. */
export async function pickService(traffic: Traffic, title: string): Promise<string | undefined> {
  const { objects } = await traffic.open();
  const choices = objects.services.map((service) => ({
    label: service.metadata.name,
    description: [service.metadata.namespace, vipsOf(service).join(' ')].filter((part) => part).join(' · '),
    key: keyOf(service),
  }));
  const chosen = await vscode.window.showQuickPick(choices, {
    title,
    matchOnDescription: true,
    placeHolder: t('A Service'),
  });
  return chosen?.key;
}

/** Asks for a node; the only one is taken without asking. */
export async function pickNode(traffic: Traffic, title: string): Promise<string | undefined> {
  const { objects } = await traffic.open();
  const names = objects.nodes
    .map((node) => node.metadata.name)
    .sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  if (names.length === 1) return names[0];
  return vscode.window.showQuickPick(names, { title, placeHolder: t('A node') });
}

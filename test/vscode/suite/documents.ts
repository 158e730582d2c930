import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hoverText, opened, positionOf, until } from './api.ts';

async function shown(what: string, scheme: string): Promise<vscode.TextDocument> {
  return until(what, () => {
    const document = vscode.window.activeTextEditor?.document;
    return document?.uri.scheme === scheme ? document : undefined;
  });
}

async function dump(): Promise<vscode.TextDocument> {
  await opened();
  await vscode.commands.executeCommand('serviceTraffic.openRuleAt', {
    node: 'node-3',
    dump: 'iptables-save.txt',
    line: 5,
  });
  return shown('the dump of node-3', 'service-traffic-dump');
}

describe('Documents', () => {
  it('opens a dump at the rule, read-only and in its language', async () => {
    const document = await dump();
    assert.equal(document.languageId, 'kube-rules');
    assert.equal(vscode.window.activeTextEditor?.selection.start.line, 4);
    assert.match(document.uri.path, /\/shop\/node-3\/iptables-save\.txt$/);
  });

  it("opens a Service's decisive rule on a node", async () => {
    await opened();
    await vscode.commands.executeCommand('serviceTraffic.openRules', 'shop/front', 'node-3');
    const document = await shown('the dump of node-3', 'service-traffic-dump');
    const rule = await until('the stale DNAT is selected', () => {
      const line = vscode.window.activeTextEditor?.selection.start.line ?? 0;
      const { text } = document.lineAt(line);
      return text.includes('DNAT') ? text : undefined;
    });
    assert.match(rule, /-A KUBE-SEP-\S+ .*--comment "shop\/front:http".*--to-destination 10\.244\.1\.1:8080/);
  });

  it('folds tables and chains, and outlines them', async () => {
    const document = await dump();
    const folds = await vscode.commands.executeCommand<vscode.FoldingRange[]>(
      'vscode.executeFoldingRangeProvider',
      document.uri,
    );
    assert.ok(folds.length > 40, `${folds.length} folds`);
    const tables = await vscode.commands.executeCommand<vscode.DocumentSymbol[]>(
      'vscode.executeDocumentSymbolProvider',
      document.uri,
    );
    assert.deepEqual(
      tables.map(({ name }) => name),
      ['mangle', 'filter', 'nat'],
    );
    assert.ok(tables[2]!.children.some(({ name, detail }) => name === 'KUBE-SERVICES' && / rules$/.test(detail)));
  });

  it("goes to a chain's rules, and finds who jumps there", async () => {
    const document = await dump();
    const jump = positionOf(document, '-j KUBE-POSTROUTING', 5);
    const [target] = await vscode.commands.executeCommand<vscode.LocationLink[]>(
      'vscode.executeDefinitionProvider',
      document.uri,
      jump,
    );
    assert.match(document.lineAt(target!.targetRange.start.line).text, /^-A KUBE-POSTROUTING /);
    const uses = await vscode.commands.executeCommand<vscode.Location[]>(
      'vscode.executeReferenceProvider',
      document.uri,
      jump,
    );
    assert.ok(uses.length >= 4);
  });

  it('says which pod an endpoint chain is', async () => {
    const document = await dump();
    const text = await hoverText(document, positionOf(document, ':KUBE-SEP-2TCHLYH6QH5AMNQM', 3));
    assert.match(text, /\*\*shop\/front:http\*\*/);
    assert.match(text, /10\.244\.0\.1:8080` \*\*shop\/front-/);
  });

  it('shows a Service with its EndpointSlices as YAML', async () => {
    await opened();
    await vscode.commands.executeCommand('serviceTraffic.openYaml', 'shop/front');
    const text = (await shown('the YAML of shop/front', 'service-traffic-object')).getText();
    assert.match(text, /^apiVersion: v1\nkind: Service\n/);
    assert.match(text, /\n---\napiVersion: discovery\.k8s\.io\/v1\nkind: EndpointSlice\n/);
  });

  it('tells a trace, with links to the rules', async () => {
    const { connection } = await opened();
    const { traceUri } = await import('../../../src/views/trace-documents.ts');
    const packet = {
      kind: 'packet',
      node: 'node-3',
      from: '10.244.2.50',
      to: '10.96.76.241',
      port: 80,
      protocol: 'tcp',
    } as const;
    const document = await vscode.workspace.openTextDocument(traceUri(connection.source!, 'a trace', packet));
    assert.match(document.getText(), /^shop\/front from 10\.244\.2\.50 on node-3/);
    const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>(
      'vscode.executeLinkProvider',
      document.uri,
    );
    assert.ok(links.length >= 6, `${links.length} links`);
    assert.match(
      links[0]!.target!.toString(true),
      /^command:serviceTraffic\.openRuleAt\?\[\{"node":"node-3","dump":"iptables-save\.txt","line":\d+\}\]$/,
    );
  });

  it("traces through a colleague's file, with links into that file", async () => {
    await opened();
    const { traceUri } = await import('../../../src/views/trace-documents.ts');
    const [file] = await vscode.workspace.findFiles('shop/nodes/node-2/iptables-save.txt');
    const packet = {
      kind: 'file',
      uri: file!.toString(),
      from: '10.244.1.50',
      to: '10.96.76.241',
      port: 80,
      protocol: 'tcp',
    } as const;
    const document = await vscode.workspace.openTextDocument(traceUri({ name: 'a file' }, 'a trace', packet));
    assert.match(document.getText(), /Outcomes\n( +33\.3 %.*\n){3}/);
    const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>(
      'vscode.executeLinkProvider',
      document.uri,
    );
    assert.match(links[0]!.target!.toString(), /node-2\/iptables-save\.txt#L\d+$/);
  });

  it("reads a colleague's file from disk just so", async () => {
    await opened();
    const [file] = await vscode.workspace.findFiles('shop/nodes/node-2/iptables-save.txt');
    const document = await vscode.workspace.openTextDocument(file!);
    assert.equal(document.languageId, 'kube-rules');
    assert.match(await hoverText(document, positionOf(document, ':KUBE-MARK-MASQ', 3)), /source will be rewritten/);
  });
});

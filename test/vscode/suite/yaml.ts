import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { hoverText, opened, positionOf } from './api.ts';

async function sample(): Promise<vscode.TextDocument> {
  await opened();
  const [file] = await vscode.workspace.findFiles('shop.yaml');
  return vscode.workspace.openTextDocument(file!);
}

describe('The hover on a Service in YAML', () => {
  it('says what a packet meets on every node', async () => {
    const document = await sample();
    const text = await hoverText(document, positionOf(document, 'kind: Service\nmetadata:\n  name: front\n'));
    assert.match(text, /\*\*shop\/front\*\* in shop · `10\.96\.\d+\.\d+` · 3 endpoints/);
    assert.match(text, /node-1, node-2: 3 of 3/);
    assert.match(text, /node-3: \*\*2 of 3, 1 stale/);
    assert.match(text, /\[Diagram\]\(command:serviceTraffic\.showDiagram/);
  });

  it('finds the nearest label of a selector that matches nothing', async () => {
    const document = await sample();
    const text = await hoverText(document, positionOf(document, 'app: frnt'));
    assert.match(text, /`app=frnt` matches no pod of shop/);
    assert.match(text, /3 pods have `app=front` instead of `app=frnt`/);
  });

  it('says where a port ends, or that no pod has a port of that name', async () => {
    const document = await sample();
    assert.match(
      await hoverText(document, positionOf(document, 'targetPort: web')),
      /No container port of the 3 pods is named `web`/,
    );
    const https = positionOf(document, 'targetPort: https');
    assert.match(await hoverText(document, https), /`:443\/TCP` → `8443` \(container nginx\) on 3 pods/);
  });

  it('says that a Service is not in the cluster, and what its selector would match', async () => {
    const document = await sample();
    const text = await hoverText(document, positionOf(document, 'name: front-canary'));
    assert.match(text, /\*\*shop\/front-canary\*\*: not in shop/);
    assert.match(text, /all of it but `track=canary`/);
  });
});

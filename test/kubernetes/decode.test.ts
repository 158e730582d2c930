import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { decodeObject } from '../../src/kubernetes/decode.ts';
import { memoryFiles } from './memory-files.ts';
import { openRecordingFiles } from '../../src/kubernetes/snapshot/recording.ts';

const STALE = path.join(import.meta.dirname, '../recordings/1.37-iptables-stale-node');

describe('an object of the API', () => {
  it('is kept by the fields that we name', () => {
    const { object, faults } = decodeObject('Service', {
      metadata: {
        name: 'a',
        managedFields: [{}],
        labels: { x: 'y' },
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', z: '1' },
      },
      spec: {
        ports: [
          { port: 80, targetPort: 'http' },
          { port: 81, targetPort: 8081 },
        ],
        unknown: true,
      },
      status: null,
    });
    assert.deepEqual(faults, []);
    assert.deepEqual(object, {
      metadata: { name: 'a', labels: { x: 'y' }, annotations: { z: '1' } },
      spec: {
        ports: [
          { port: 80, targetPort: 'http' },
          { port: 81, targetPort: 8081 },
        ],
      },
    });
  });

  it('loses what has a wrong type, and says where', () => {
    const { object, faults } = decodeObject('EndpointSlice', {
      metadata: { name: 'a' },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1', 7], conditions: { ready: 'yes' } }, { addresses: 'none' }],
      ports: null,
    });
    assert.deepEqual(object?.endpoints, [{ addresses: ['10.0.0.1'], conditions: {} }]);
    assert.deepEqual(faults, [
      { path: ['endpoints', 0, 'addresses', 1], expected: 'a string' },
      { path: ['endpoints', 0, 'conditions', 'ready'], expected: 'true or false' },
      { path: ['endpoints', 1, 'addresses'], expected: 'a list' },
    ]);
  });

  it('is none without what every such object has', () => {
    assert.deepEqual(decodeObject('Service', { metadata: { name: 'a' } }), {
      faults: [{ path: ['spec'], expected: 'the field spec' }],
    });
    for (const value of [null, undefined, 7, 'text', [], {}])
      assert.equal(decodeObject('Pod', value).object, undefined);
  });

  it('may have labels with any name', () => {
    const labels = JSON.parse('{"__proto__": "x", "constructor": "y"}') as object;
    const { object } = decodeObject('Pod', { metadata: { name: 'a', labels } });
    assert.deepEqual(Object.entries(object!.metadata.labels!), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });
});

describe('a recording with damaged files', () => {
  const names = [
    'objects/services.json',
    'objects/pods.json',
    'version.json',
    'nodes/node-1/iptables-save.txt',
    'nodes/node-1/nft.json',
  ];
  const whole = new Map(names.map((name) => [name, new Uint8Array(readFileSync(path.join(STALE, name)))]));

  it('opens in any case, and says what is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.nat(),
        fc.uint8Array({ maxLength: 6 }),
        fc.nat(40),
        async (name, at, bytes, cut) => {
          const original = whole.get(name)!;
          const start = at % original.length;
          const damaged = Buffer.concat([original.subarray(0, start), bytes, original.subarray(start + cut)]);
          const source = await openRecordingFiles(memoryFiles(new Map([...whole, [name, damaged]])), 'x', 'x');
          assert.equal(source.state.kind, 'ready');
          if (source.state.kind === 'ready')
            for (const { problem } of source.state.missing)
              assert.ok(problem.message.length > 10 && problem.advice.length > 10);
          assert.ok(source.rules('node-1').kind === 'captured');
        },
      ),
      { numRuns: 150 },
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chosenRecording, stillChosen } from '../../src/views/choice.ts';

test('The sample that was chosen is found in the folder of the version that runs now', () => {
  const remembered = JSON.parse(JSON.stringify({ sample: true })) as { sample: true };
  assert.equal(chosenRecording(remembered, undefined, '/ext-0.1.0'), '/ext-0.1.0/samples/shop');
  assert.equal(chosenRecording(remembered, '/set', '/ext-0.2.0'), '/ext-0.2.0/samples/shop');
});

test('A choice counts for more than the settings, and these where nothing was chosen', () => {
  assert.equal(chosenRecording(undefined, '/set', '/ext'), '/set');
  assert.equal(chosenRecording(undefined, undefined, '/ext'), undefined);
  assert.equal(chosenRecording({ recording: '/r.zip' }, '/set', '/ext'), '/r.zip');
  assert.equal(chosenRecording({ live: true }, '/set', '/ext'), undefined);
});

test('A choice counts for as long as the settings say what they said when it was made', () => {
  const remembered = { choice: { sample: true }, settings: '["/set",null]' } as const;
  assert.deepEqual(stillChosen(remembered, '["/set",null]'), { sample: true });
  assert.equal(stillChosen(remembered, '["/other",null]'), undefined);
  assert.equal(stillChosen(undefined, '["/set",null]'), undefined);
});

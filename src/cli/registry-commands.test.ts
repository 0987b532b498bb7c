import { expect, test } from 'vitest';
import { capture } from './captured-io.fixture.ts';
import { type Answers, errorBody, openFakeDaemon } from './fake-daemon.fixture.ts';

async function model(argv: readonly string[], answers: Answers) {
  await using daemon = await openFakeDaemon(answers);
  return await capture(['model', ...argv, '--home', daemon.home]);
}

test('inspect of what is neither a model nor a file says both', async () => {
  const unknown = () => {
    throw {
      ...errorBody('not_found', 'Looking for x.pt: neither this node nor one that is online has it'),
      code: 'model_not_found',
    };
  };
  const { code, stderr } = await model(['inspect', 'x.pt'], { 'GET /api/v1/models/inspect': unknown });
  expect(code).toBe(3);
  expect(stderr).toMatch(/neither this node nor one that is online has it; nor is there a file \/.*x\.pt/);
});

test.each([
  [true, ''],
  [false, 'no node that is known has acme/detector@8.0.0; to see which there are: atmosphere model info acme/detector'],
])('deprecate of a version that is known: %s', async (known, warning) => {
  const answer = { model_id: 'acme/detector', version: '8.0.0', deprecated: true, reason: '', known };
  const answers = { 'POST /api/v1/models/deprecate': () => answer };
  const { code, stdout, stderr } = await model(['deprecate', 'acme/detector@8.0.0'], answers);
  expect([code, stdout]).toEqual([0, 'deprecated acme/detector@8.0.0: taken only where it is named exactly\n']);
  if (known) expect(stderr).toBe(warning);
  else expect(stderr).toContain(warning);
});

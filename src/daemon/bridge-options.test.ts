import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toBridgeSettings } from './bridge-options.ts';

test('without options and variables it is what the spec says', () => {
  expect(toBridgeSettings({}, {})).toEqual({
    places: {
      huggingFace: join(homedir(), '.cache', 'huggingface', 'hub'),
      ollama: join(homedir(), '.ollama', 'models'),
      llamaFarm: join(homedir(), '.llamafarm', 'models'),
      folders: [],
    },
    ...{
      httpPort: 14_345,
      host: '127.0.0.1',
      openLan: false,
      gossipMs: 90_000,
      nodeId: undefined,
      nodeName: undefined,
    },
    home: join(homedir(), '.atmosphere', 'bridge'),
  });
});

test('variables fill what options leave open', () => {
  const env = {
    ATMOSPHERE_NODE_ID: 'farm-1',
    ATMOSPHERE_NODE_NAME: 'Farm',
    MODEL_BRIDGE_HTTP_PORT: '8080',
    MODEL_BRIDGE_GOSSIP_INTERVAL: '30',
    ATMOSPHERE_HOME: '/srv/atmosphere',
    OLLAMA_MODELS: '/srv/ollama',
  };
  expect(toBridgeSettings({}, env)).toMatchObject({
    ...{ nodeId: 'farm-1', nodeName: 'Farm', httpPort: 8080, gossipMs: 30_000, home: '/srv/atmosphere/bridge' },
    places: { ollama: '/srv/ollama' },
  });
  const given = { nodeId: 'mine', nodeName: 'Mine', httpPort: 0, gossipInterval: 5, home: '/mine' };
  expect(toBridgeSettings(given, env)).toMatchObject({
    ...{ nodeId: 'mine', nodeName: 'Mine', httpPort: 0, gossipMs: 5000, home: '/mine' },
  });
});

test('the period of the seed, which equals the TTL, is cut so that two words may be lost', () => {
  expect(toBridgeSettings({ gossipInterval: 300 }, {}).gossipMs).toBe(100_000);
});

test('false is not looked at, a path is taken as it is', () => {
  const options = {
    llamafarmModelsDir: '/farm',
    huggingfaceCacheDir: false,
    ollamaDir: false,
    folders: ['/a'],
  } as const;
  expect(toBridgeSettings(options, {}).places).toEqual({
    ...{ llamaFarm: '/farm', huggingFace: undefined, ollama: undefined, folders: ['/a'] },
  });
});

test('an open bridge listens to everybody', () => {
  expect(toBridgeSettings({ openLan: true }, {}).host).toBe('0.0.0.0');
  expect(toBridgeSettings({ openLan: true, host: '10.0.0.1' }, {}).host).toBe('10.0.0.1');
});

test('a variable that is no number is refused by its name', () => {
  expect(() => toBridgeSettings({}, { MODEL_BRIDGE_HTTP_PORT: 'many' })).toThrowError(/MODEL_BRIDGE_HTTP_PORT/);
});

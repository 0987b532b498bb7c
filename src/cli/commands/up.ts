import { parseAgentRunner } from '../agent-runner.ts';
import type { CommandSpec } from '../command.ts';
import {
  parseArchitecture,
  parseInterest,
  parseLabel,
  parseMaxModelSize,
  parseMaxModels,
  parseMemory,
  parseRegion,
  parseTier,
} from '../node-facts.ts';
import { parseAddress, parseByteRate, parsePort, parseRelay, parseSizeBytes } from '../parse-values.ts';
import type { UpOptions } from '../up-config.ts';

export const up: CommandSpec<UpOptions> = {
  usage: 'up',
  about: 'Start the daemon of this machine; in the foreground until Ctrl-C',
  examples: [
    'atmosphere up',
    'atmosphere up --detach --name gpu-box --models /srv/models',
    'atmosphere up --relay relay.example:4303   # reached through it, where no port can be opened',
    "atmosphere up --mirror 'https://models.example.org/{sha256}' --mirror-token-file ./tokens",
    "atmosphere up --tier tier_2 --agent-runner 'llamafarm agent run {path}'   # for packages",
    'atmosphere up --region eu --label hall=7 --interest anomaly_detection --max-model-size 2GB',
    'atmosphere up --home /tmp/second --port 0 --mesh-port 0 --agent-port 0 --json',
  ],
  options: [
    { flags: '-d, --detach', about: 'run in the background; returns when it is ready' },
    { flags: '--name <name>', about: 'name of this node (default: the one given last, or the host name)' },
    { flags: '--port <port>', about: 'HTTP port, 0 = any (default: 14345)', parse: parsePort },
    { flags: '--mesh-port <port>', about: 'mesh port, 0 = any (default: 14346)', parse: parsePort },
    { flags: '--agent-port <port>', about: 'agent port, 0 = any (default: 4302)', parse: parsePort },
    { flags: '--host <address>', about: 'IP address to listen on (default: all)', parse: parseAddress },
    { flags: '--no-mdns', about: 'do not look for nodes on the local network, and show it nothing' },
    { flags: '--advertise-packages', about: 'show the packages of this node to the local network, as gateways do' },
    { flags: '--open-lan', about: 'serve every model to the local network without a certificate' },
    { flags: '--no-loopback-http', about: 'use TLS even between nodes on this machine' },
    {
      flags: '--relay-server',
      about: 'carry the mesh’s words for nodes that cannot reach each other (blobs: --relay-port)',
    },
    {
      flags: '--relay <host:port>',
      about: 'be reached through this relay; may be repeated',
      parse: parseRelay,
      repeats: true,
    },
    {
      flags: '--ws-relay <host:port>',
      about: 'also through the WebSockets of this relay’s HTTP port, which then can read the bytes; may be repeated',
      parse: parseRelay,
      repeats: true,
    },
    {
      flags: '--relay-port <port>',
      about: 'be a relay for blobs too, as `atmosphere relay` is (4303 is usual)',
      parse: parsePort,
    },
    { flags: '--relay-rate <rate>', about: 'the most that it carries as a relay, like 400Mbps', parse: parseByteRate },
    {
      flags: '--relay-quota-per-day <size>',
      about: 'most bytes a day for one member as a relay',
      parse: parseSizeBytes,
    },
    {
      flags: '--mirror <url>',
      about: 'URL template to fetch from when peers are slow; may be repeated',
      repeats: true,
    },
    { flags: '--mirror-token-file <file>', about: 'tokens for the mirrors, one `ORIGIN TOKEN` a line' },
    { flags: '--allow-code', about: 'load formats that run code (pickles), where their signer may ship it; kept' },
    { flags: '--deny-code', about: 'do not any more (default)' },
    {
      flags: '--agent-runner <command>',
      about: 'what starts the agents of packages, like `llamafarm agent run {path}`; kept',
      parse: parseAgentRunner,
    },
    { flags: '--no-agent-runner', about: 'start no agents any more' },
    { flags: '--models <dir>', about: 'folder to look for models in; may be repeated', repeats: true },
    { flags: '--no-scan-defaults', about: 'do not look at the places of Hugging Face, Ollama and LlamaFarm' },
    { flags: '--quota <size>', about: 'most that pulled models may take, like 200GB', parse: parseSizeBytes },
    { flags: '--region <name>', about: 'where this node is; `none` takes it back', parse: parseRegion },
    {
      flags: '--label <key=value>',
      about: 'a label of this node; may be repeated, and `none` takes all back',
      parse: parseLabel,
      repeats: true,
    },
    {
      flags: '--interest <capability>',
      about: 'what this node wants models for; may be repeated, and `none` takes all back',
      parse: parseInterest,
      repeats: true,
    },
    { flags: '--max-model-size <size>', about: 'the largest model deployed here, or `none`', parse: parseMaxModelSize },
    {
      flags: '--memory <size>',
      about: 'memory for models, if it is not all of the machine’s; or `none`',
      parse: parseMemory,
    },
    {
      flags: '--architecture <name>',
      about: 'tell this architecture and not the machine’s own, or `none`',
      parse: parseArchitecture,
    },
    {
      flags: '--tier <tier>',
      about: 'tier of packages, not by the machine’s size: tier_1 to tier_3, or `none`',
      parse: parseTier,
    },
    { flags: '--max-models <count>', about: 'how many models are deployed here, or `none`', parse: parseMaxModels },
    { flags: '--log-level <level>', about: 'how much to log', choices: ['debug', 'info', 'warn', 'error', 'silent'] },
    { flags: '--log-file <file>', about: 'log to a file instead of stderr' },
  ],
  async run(context, { options }) {
    if (options.detach === true) return (await import('../detach.ts')).startDetached(context, options);
    return (await import('../foreground.ts')).runForeground(context, options);
  },
};

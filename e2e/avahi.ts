/** Looking for services with tools that nobody here wrote: avahi-daemon and avahi-browse, with a bus and a /run of their own. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface BrowsedService {
  readonly instance: string;
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly txt: string;
}

const BUS = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/dbus/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>`;

/** Ends what it started, whatever comes; the /run that is covered is that of this one shell, which `ip netns exec` gave mounts of its own. */
const SCRIPT = `
mount -t tmpfs tmpfs /run && mkdir -p /run/dbus /run/avahi-daemon || exit 1
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/bus
dbus-daemon --config-file="$1" --nofork --nopidfile 2>/dev/null & bus=$!
until [ -S /run/dbus/bus ]; do sleep 0.05; done
avahi-daemon --no-drop-root --no-chroot --no-rlimits --no-proc-title 2>/dev/null & avahi=$!
trap 'kill $avahi $bus; wait' EXIT
until avahi-browse -tp _none._tcp 2>/dev/null; do kill -0 $avahi || exit 1; sleep 0.05; done
avahi-browse -rtp "$2"
`;
const TIMEOUT_MS = 20_000;

/** What `avahi-browse -rt` sees of a service type there, IPv4. `within`: `ip netns exec NAME`. */
export async function browse(within: readonly string[], type: string): Promise<BrowsedService[]> {
  const folder = await mkdtemp(join(tmpdir(), 'avahi-'));
  try {
    const config = join(folder, 'bus.conf');
    await writeFile(config, BUS);
    const [command = '', ...args] = [...within, 'sh', '-c', SCRIPT, 'sh', config, type];
    const { stdout } = await promisify(execFile)(command, args, { timeout: TIMEOUT_MS });
    return stdout.split('\n').flatMap((line) => toService(line) ?? []);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `=;up0;IPv4;gateway-01;_atmosphere._tcp;local;host.local;10.77.1.1;14345;"v=1" …`, with characters escaped as `\032`. */
function toService(line: string): BrowsedService | undefined {
  const [kind, , protocol, instance = '', , , host = '', address = '', port, ...txt] = line.split(';');
  if (kind !== '=' || protocol !== 'IPv4') return undefined;
  const name = instance.replaceAll(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number(code)));
  return { instance: name, host, address, port: Number(port), txt: txt.join(';') };
}

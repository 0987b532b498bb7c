/**
 * Services on the local network by DNS-SD over IPv4 multicast: showing one, looking for those of others. What others say is a
 * stranger's claim, bounded and never more than that. Spec: docs/spec/24-local-network.md.
 */
export { type Advertisement, advertise } from './advertise.ts';
export { Browser } from './browse.ts';
export type { LanService } from './heard-services.ts';
export { LocalNetwork, type LocalNetworkOptions } from './local-network.ts';
export type { OwnService } from './own-service.ts';
export { readTxt, toTxt } from './txt.ts';

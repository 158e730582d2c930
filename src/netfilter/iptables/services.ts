/** Names of ports that iptables-save may print where it was told to (it prints numbers itself), as people write them. */
export const SERVICES: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  bootps: 67,
  bootpc: 68,
  http: 80,
  ntp: 123,
  snmp: 161,
  https: 443,
  syslog: 514,
  mdns: 5353,
};

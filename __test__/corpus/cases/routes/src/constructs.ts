export const service = (name: string, ask: (get: any) => object) => ({
  serviceName: name,
  async register({ envParser }: any) {
    return envParser.create(ask).parse();
  },
});

export const construct = (parser: any, ...services: any[]) => ({
  services,
  async getEnvironment() {
    const sniffer = parser();
    for (const one of services) await one.register({ envParser: sniffer });
    return sniffer.getEnvironmentVariables();
  },
});

import { SnifferEnvironmentParser } from '@geekmidas/envkit/sniffer';
export const a = {
  getEnvironment() {
    const parser = new SnifferEnvironmentParser();
    parser.create((get: any) => ({ a: get('A').string(), b: get('B').string().optional() })).parse();
    return parser.getEnvironmentVariables();
  },
};

import { EnvironmentParser } from '@geekmidas/envkit';

class Config {
  private readonly parser = new EnvironmentParser(process.env as any);
  readonly main = this.parser.create((get) => ({ port: get('PORT').string() })).parse();
  get mail() {
    return this.parser.create((get) => ({ key: get('MAIL_KEY').string() })).parse();
  }
}
export const config = new Config();

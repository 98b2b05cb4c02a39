import { EnvironmentParser } from '@geekmidas/envkit';

class Settings extends EnvironmentParser<any> {
  create(builder: any) {
    return super.create((get) => ({ ...builder(get), region: get('REGION').string() }));
  }
}
const parser = new Settings(process.env);
if (!(parser instanceof EnvironmentParser)) throw new Error('prototype');
export const config = parser.create((get: any) => ({ port: get('PORT').string() })).parse();

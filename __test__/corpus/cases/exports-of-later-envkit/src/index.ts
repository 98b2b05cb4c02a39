import { ConfigParser, EnvironmentBuilder, EnvironmentParser, environmentCase, formatParseError, isDevelopment, somethingNew } from '@geekmidas/envkit';
import { Credentials } from '@geekmidas/envkit/credentials';

if (environmentCase('databaseUrl') !== 'DATABASE_URL' || somethingNew() !== 'new' || isDevelopment()) throw new Error('exports');
const parsed = new EnvironmentParser({ ...process.env, ...Credentials }).create((get) => ({ port: get('PORT').coerce.number(), url: get('DATABASE_URL').url() }));
if (!(parsed instanceof ConfigParser) || !EnvironmentBuilder) throw new Error('classes');
export const config = parsed.parse();
console.log(formatParseError(new Error('x')));

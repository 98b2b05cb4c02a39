import { envParser } from './env';
const { level } = envParser.create((get) => ({ level: get('LOG_LEVEL').string().default('info'), token: get('LOG_TOKEN').string() })).parse();
export const logger = { level };
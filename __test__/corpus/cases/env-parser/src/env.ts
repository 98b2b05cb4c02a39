export function envParser(parser: any) {
  return parser.create((get: any) => ({ url: get('DATABASE_URL').string(), key: get('API_KEY').string(), level: get('LOG_LEVEL').string().optional(), port: get('PORT').string().default('3000'), timeout: get('TIMEOUT').string().transform(Number).default(5000) }));
}
export default envParser;

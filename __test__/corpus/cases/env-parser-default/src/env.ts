export default function (parser: any) {
  parser.create((get: any) => ({ port: get('PORT').string() }));
  throw new Error('no luck');
}

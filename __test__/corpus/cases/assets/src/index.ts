import data, { name } from './data.json';
import './style.css';
import logo from './logo.svg';
import query from './query.sql';
import raw from './note.txt?raw';
import typed from './typed.json' with { type: 'json' };
if (data.name !== 'x' || name !== 'x' || typed.name !== 'x' || typeof logo !== 'string' || !query.includes('select') || raw !== 'note') throw new Error('assets');
import { EnvironmentParser } from '@geekmidas/envkit';

export const config = new EnvironmentParser(process.env as Record<string, string>)
  .create((get) => ({
    port: get('PORT').string().transform(Number),
    databaseUrl: get('DATABASE_URL').string(),
  }))
  .parse();

import path from 'node:path';
import { config } from '@/config';

class Worker { constructor(public name: string, public file: string) {} }
new Worker('mail', path.join(__dirname, 'processor.js'));
console.log(config.port);

import path from 'node:path';
import { config } from './config';
import job from './processor';

class Worker { constructor(public name: string, public file: string) {} }
new Worker('mail', path.join(__dirname, 'processor.js'));
console.log(job, config.port);

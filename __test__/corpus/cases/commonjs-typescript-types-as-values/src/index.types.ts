export { Repository, Id, version } from './types';
export { Request, Response } from 'express';

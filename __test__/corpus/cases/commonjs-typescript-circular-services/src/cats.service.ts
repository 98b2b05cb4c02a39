import { Inject, Injectable, forwardRef } from '@nestjs/common';
import { DogsService } from './dogs.service';

@Injectable()
export class CatsService {
  constructor(@Inject(forwardRef(() => DogsService)) private readonly dogs: DogsService) {}
  all() { return [this.dogs.name]; }
}

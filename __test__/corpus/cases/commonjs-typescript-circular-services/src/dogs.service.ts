import { Inject, Injectable, forwardRef } from '@nestjs/common';
import { CatsService } from './cats.service';
import { mail } from './mail.config';

@Injectable()
export class DogsService {
  readonly name = mail.mail_url;
  constructor(@Inject(forwardRef(() => CatsService)) readonly cats: CatsService) {}
}

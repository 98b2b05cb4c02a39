import { field } from './field';
import { User } from './user';

export class Post {
  @field(() => User) author!: User;
}

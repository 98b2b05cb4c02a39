import { field } from './field';
import { Post } from './post';

export class User {
  @field(() => Post) latest!: Post;
}

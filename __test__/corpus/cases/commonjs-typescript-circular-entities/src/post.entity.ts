import { Column, Entity, ManyToOne, PrimaryGeneratedColumn } from 'typeorm';
import { User } from './user.entity';

@Entity()
export class Post {
  @PrimaryGeneratedColumn() id!: number;
  @Column({ type: 'text' }) text!: string;
  @ManyToOne(() => User, (user) => user.posts) author!: User;
}

import { createHmac, timingSafeEqual } from 'node:crypto';

/** Signs a user's name, so that a cookie with it cannot be forged. */
export function sign(user: string, secret: string): string {
	return `${user}.${createHmac('sha256', secret).update(user).digest('base64url')}`;
}

/** The user that a session names, if its signature holds. */
export function verify(session: string, secret: string): string | undefined {
	const user = session.slice(0, session.lastIndexOf('.'));
	const [given, wanted] = [Buffer.from(session), Buffer.from(sign(user, secret))];
	return given.length === wanted.length && timingSafeEqual(given, wanted) ? user : undefined;
}

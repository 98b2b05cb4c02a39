import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { config } from './config.ts';

function App() {
	const [user, setUser] = useState<string>();

	useEffect(() => {
		fetch(new URL('/session', config.authUrl), { credentials: 'include' })
			.then((response) => (response.ok ? response.json() : {}))
			.then(({ user }: { user?: string }) => setUser(user))
			.catch(() => setUser(undefined));
	}, []);

	return (
		<main>
			<h1>Shop</h1>
			<p>{user ? `Signed in as ${user}` : 'Not signed in'}</p>
			<p>Orders come from {config.apiUrl}</p>
		</main>
	);
}

createRoot(document.body).render(<App />);

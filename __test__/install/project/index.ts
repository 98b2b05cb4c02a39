enum Level {
	Quiet = 'quiet',
}

export const port: number = Number(process.env.PORT);
export const level: Level = Level.Quiet;

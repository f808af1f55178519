import { configPath, loadConfig } from './config.ts';
import { EXIT } from './exit.ts';

/** argv of a process that destroys a key: this very program. */
const destroyer = [process.execPath, ...process.execArgv, process.argv[1] ?? '', 'internal-destroy-key'];

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === 'internal-destroy-key') {
    const { destroyFromStdin } = await import('../hsm/destroy.ts');
    await destroyFromStdin(process.stdin, process.stdout);
    return EXIT.done;
  }
  const { config } = loadConfig(configPath(argv[2], process.env));
  const { run } = await import('./run.ts');
  return run(config, process.env, destroyer);
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});

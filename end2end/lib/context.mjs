// The context `t` of a scenario.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Context {
  #after = [];
  #checks = [];
  #explanations = [];

  /**
   * @param {string} label the scenario's file and name
   * @param {'sqlite' | 'postgres'} database what this run stores its data in
   */
  constructor(label, database) {
    this.label = label;
    this.database = database;
  }

  /** Does `action` when the scenario is over, however it ended; the last one registered comes first. */
  after(action) {
    this.#after.unshift(action);
  }

  /** Does `action` when the scenario has run through; it fails the scenario by throwing. */
  finally(action) {
    this.#checks.push(action);
  }

  /** Adds the text that `describe` returns (the log of a server, say) to the report of a failure. */
  onFailure(describe) {
    this.#explanations.push(describe);
  }

  /** Prints a line of progress, for scenarios that take long. */
  log(...words) {
    console.log('     ', ...words);
  }

  /** Makes a folder that is removed with the scenario. */
  async temporaryFolder() {
    const folder = await mkdtemp(join(tmpdir(), 'sendmux-e2e-'));
    this.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    return folder;
  }

  async check() {
    for (const action of this.#checks) await action();
  }

  async explain() {
    const texts = [];
    for (const describe of this.#explanations) texts.push(await Promise.resolve().then(describe).catch(String));
    return texts.join('\n');
  }

  /** Returns what went wrong on the way, as texts. A clean-up that takes longer than 30 s is left alone. */
  async cleanUp() {
    const problems = [];
    for (const action of this.#after) {
      let timer;
      const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error('clean-up took longer than 30 s')), 30_000);
      });
      await Promise.race([Promise.resolve().then(action), late]).catch((error) => problems.push(String(error.stack ?? error)));
      clearTimeout(timer);
    }
    return problems;
  }
}

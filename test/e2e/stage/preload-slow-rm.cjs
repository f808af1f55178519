// Loaded into the program: a disk on which it takes a while to remove a file.
const promises = require('node:fs/promises');
const { setTimeout: pause } = require('node:timers/promises');

const { rm } = promises;
promises.rm = async (...args) => {
  await pause(200);
  return rm(...args);
};

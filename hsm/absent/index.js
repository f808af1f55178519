throw Object.assign(new Error('not installed: only needed on Windows'), { code: 'MODULE_NOT_FOUND' });

// What people see is in local time; tests live in one zone, with an offset that would show.
process.env.TZ = 'Europe/Berlin';

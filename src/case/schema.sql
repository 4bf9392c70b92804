-- The case: everything that is known about one or more machines, as facts. Plain SQL may read all of it; the
-- points of a series are in the view `sample`.
--
-- Times are nanoseconds since 1970-01-01T00:00:00Z; NULL = unknown. Sizes are bytes.

CREATE TABLE source(
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL,
  format TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  read_bytes INTEGER NOT NULL,
  status TEXT NOT NULL,          -- reading, ok, partial, failed, cancelled; "reading" = cut off
  facts TEXT NOT NULL            -- JSON: kind -> count
);
CREATE TABLE loss(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  what TEXT NOT NULL,
  count INTEGER,
  bytes INTEGER,
  offset INTEGER,
  text TEXT NOT NULL,
  harmless INTEGER NOT NULL
);
CREATE TABLE machine(
  id INTEGER PRIMARY KEY,
  host TEXT,
  os TEXT,
  os_version TEXT,
  ram_bytes INTEGER,
  commit_limit_bytes INTEGER,
  page_size_bytes INTEGER,
  n_processors INTEGER
);
CREATE TABLE boot(
  id INTEGER PRIMARY KEY,
  machine_id INTEGER NOT NULL REFERENCES machine,
  boot_ns INTEGER NOT NULL
);
CREATE TABLE process(
  id INTEGER PRIMARY KEY,
  machine_id INTEGER NOT NULL REFERENCES machine,
  boot_id INTEGER REFERENCES boot,
  pid INTEGER,
  parent_pid INTEGER,
  start_ns INTEGER,
  end_ns INTEGER,
  image TEXT
);
-- What does not change from sample to sample.
CREATE TABLE series(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  machine_id INTEGER NOT NULL REFERENCES machine,
  subject TEXT NOT NULL,         -- machine, process, pool-tag, driver, site, heap
  process_id INTEGER REFERENCES process,
  name TEXT,                     -- the tag, driver, site or heap
  metric TEXT,                   -- NULL: known by its counter only
  counter TEXT
);
-- A moment at which a source took samples of a machine.
CREATE TABLE tick(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  machine_id INTEGER NOT NULL REFERENCES machine,
  time_ns INTEGER NOT NULL
);
-- The points of one series from one batch: a JSON object, "tick.id - tick_id" -> value. A point holds until the next.
CREATE TABLE chunk(
  id INTEGER PRIMARY KEY,
  series_id INTEGER NOT NULL REFERENCES series,
  tick_id INTEGER NOT NULL REFERENCES tick,
  first_tick_id INTEGER NOT NULL,
  last_tick_id INTEGER NOT NULL,
  n_points INTEGER NOT NULL,
  points TEXT NOT NULL
);
CREATE INDEX chunk_by_series ON chunk(series_id, tick_id);
CREATE VIEW sample AS
  SELECT chunk.series_id, tick.time_ns, point.value
  FROM chunk, json_each(chunk.points) AS point
  JOIN tick ON tick.id = chunk.tick_id + CAST(point.key AS INTEGER);
CREATE TABLE event(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  machine_id INTEGER NOT NULL REFERENCES machine,
  time_ns INTEGER NOT NULL,
  provider TEXT NOT NULL,
  channel TEXT,
  event_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  record_id INTEGER,
  offset INTEGER
);
CREATE INDEX event_by_time ON event(machine_id, time_ns);
-- The typed fields of an event, in their order; nested names are paths ("ProcessInfo/Process_1/Name").
CREATE TABLE field(
  event_row INTEGER NOT NULL REFERENCES event,
  n INTEGER NOT NULL,
  path TEXT NOT NULL,
  type TEXT NOT NULL,            -- null, text, uint, int, real, bool, hex, time
  value,
  PRIMARY KEY(event_row, n)
) WITHOUT ROWID;
-- A process at one moment: what the tables below say of it. Addresses are 64-bit numbers as SQLite keeps them:
-- those from 0x8000000000000000 on are negative.
CREATE TABLE snapshot(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  process_id INTEGER REFERENCES process, -- NULL: the kernel
  time_ns INTEGER,
  architecture TEXT,             -- of the process: x86, x64, arm64
  wow64 INTEGER NOT NULL
);
CREATE TABLE module(
  snapshot_id INTEGER NOT NULL REFERENCES snapshot,
  n INTEGER NOT NULL,
  base INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  path TEXT,
  version TEXT,
  name TEXT,                     -- name, timestamp, image_size_bytes: which binary it is
  timestamp INTEGER,
  image_size_bytes INTEGER,
  checksum INTEGER,
  pdb_name TEXT,                 -- pdb_name, pdb_guid, pdb_age: which symbols belong to it
  pdb_guid TEXT,
  pdb_age INTEGER,
  unloaded INTEGER NOT NULL,
  PRIMARY KEY(snapshot_id, n)
) WITHOUT ROWID;
CREATE TABLE region(
  snapshot_id INTEGER NOT NULL REFERENCES snapshot,
  n INTEGER NOT NULL,
  base INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  allocation_base INTEGER,
  state TEXT,                    -- Commit, Reserve, Free
  type TEXT,                     -- Private, Mapped, Image, Free
  usage TEXT,                    -- NULL: <unknown>
  protect INTEGER,               -- PAGE_* bits
  detail TEXT,
  PRIMARY KEY(snapshot_id, n)
) WITHOUT ROWID;
CREATE TABLE handle(
  snapshot_id INTEGER NOT NULL REFERENCES snapshot,
  n INTEGER NOT NULL,
  value INTEGER NOT NULL,
  type TEXT,
  name TEXT,
  access INTEGER NOT NULL,
  n_handles INTEGER,
  n_pointers INTEGER,
  target_id INTEGER REFERENCES process,
  PRIMARY KEY(snapshot_id, n)
) WITHOUT ROWID;
CREATE TABLE heap(
  snapshot_id INTEGER NOT NULL REFERENCES snapshot,
  n INTEGER NOT NULL,
  address INTEGER NOT NULL,
  kind TEXT NOT NULL,            -- nt, segment
  bits INTEGER NOT NULL,
  busy_blocks INTEGER,
  busy_bytes INTEGER,
  free_blocks INTEGER,
  free_bytes INTEGER,
  committed_bytes INTEGER,
  reserved_bytes INTEGER,
  PRIMARY KEY(snapshot_id, n)
) WITHOUT ROWID;
-- Busy blocks of a heap that have something in common.
CREATE TABLE blocks(
  snapshot_id INTEGER NOT NULL REFERENCES snapshot,
  n INTEGER NOT NULL,
  grouped_by TEXT NOT NULL,      -- size, type, unreachable, stack
  heap INTEGER,                  -- NULL: of all heaps
  size_bytes INTEGER,            -- of each; NULL: of any size
  type TEXT,
  stack TEXT,                    -- innermost frame first, parted by ';'
  blocks INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  heads INTEGER NOT NULL,        -- of unreachable ones: those to which nothing points at all
  content TEXT,
  PRIMARY KEY(snapshot_id, n)
) WITHOUT ROWID;
-- Call stacks as a tree: a node is a frame and the node of its caller. Addresses as in the tables above.
CREATE TABLE stack(
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES stack, -- NULL: the outermost frame
  address INTEGER,               -- NULL: only the text is known
  module_base INTEGER,           -- of the module that held it
  text TEXT                      -- as a log gives it: "module!function+0x12"
);
-- What one call stack of one process allocated, of one kind and in one heap.
CREATE TABLE site(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  process_id INTEGER REFERENCES process, -- NULL: the kernel
  kind TEXT NOT NULL,            -- heap, virtual, pool, handle, reference
  name TEXT,                     -- of its series; NULL: it has none
  heap INTEGER,
  tag TEXT,                      -- pool tag, tag of references, type of handles
  paged INTEGER NOT NULL,        -- of pool: which one
  stack_id INTEGER REFERENCES stack,
  allocs INTEGER NOT NULL,
  frees INTEGER NOT NULL,
  alloc_bytes INTEGER NOT NULL,
  outstanding_count INTEGER NOT NULL,
  outstanding_bytes INTEGER NOT NULL,
  survivor_count INTEGER,
  survivor_bytes INTEGER,
  overhead_bytes INTEGER,        -- of the heap, for what is outstanding
  dead_count INTEGER NOT NULL,   -- of references: those to processes that have ended
  oldest_ns INTEGER
);
-- Frees: of what was allocated before the source began (unmatched), and the stacks that gave memory back.
CREATE TABLE site_frees(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  process_id INTEGER REFERENCES process,
  kind TEXT NOT NULL,
  stack_id INTEGER REFERENCES stack,
  frees INTEGER NOT NULL,
  bytes INTEGER,
  unmatched INTEGER NOT NULL,
  decommit INTEGER NOT NULL      -- the address space stays
);
-- Pool tags of a machine that were counted together.
CREATE TABLE pool_look(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  machine_id INTEGER REFERENCES machine,
  time_ns INTEGER
);
CREATE INDEX pool_look_by_time ON pool_look(machine_id, time_ns);
CREATE TABLE pool_tag(
  look_id INTEGER NOT NULL REFERENCES pool_look,
  n INTEGER NOT NULL,
  tag TEXT NOT NULL,
  paged INTEGER NOT NULL,        -- which pool
  allocs INTEGER,                -- since the machine started
  frees INTEGER,
  bytes INTEGER,                 -- in use
  wraps INTEGER NOT NULL,        -- the counts begin again at 2^32
  session INTEGER,               -- NULL: the system's own pool
  mapped_driver TEXT,            -- as the log names it
  PRIMARY KEY(look_id, n)
) WITHOUT ROWID;
-- What a machine's memory was used for, and its limits: a row for each number that is known.
CREATE TABLE vm(
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  machine_id INTEGER REFERENCES machine,
  time_ns INTEGER,
  tick INTEGER NOT NULL,         -- of the source, to tell moments of no known time apart
  item TEXT NOT NULL,            -- physical, available, committed, ... process-private, ... zombies
  bytes INTEGER NOT NULL
);
CREATE INDEX vm_by_time ON vm(machine_id, time_ns);
-- Processes that have exited and are still referenced. Who holds them is in `handle`.
CREATE TABLE zombie(
  process_id INTEGER NOT NULL REFERENCES process,
  time_ns INTEGER,
  source_id INTEGER NOT NULL REFERENCES source,
  n_handles INTEGER,             -- to it, as the object counts them
  n_found INTEGER,               -- those that were found in tables of handles
  n_pointers INTEGER,
  n_unexplained INTEGER,         -- references that no handle explains
  commit_bytes INTEGER
);
CREATE INDEX zombie_by_process ON zombie(process_id, time_ns);
-- What the last judgement of this case said.
CREATE TABLE finding(
  id TEXT PRIMARY KEY,
  class TEXT NOT NULL,
  verdict TEXT NOT NULL,
  subject TEXT NOT NULL,
  name TEXT,
  pid INTEGER,
  metric TEXT,
  rate_per_s REAL,
  since_ns INTEGER,
  share REAL,
  evidence TEXT NOT NULL         -- JSON: a list of sentences
) WITHOUT ROWID;

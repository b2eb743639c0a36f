"""What was declared, by revision, and which stretch of the log it decides."""

from eventbus.journal import Declared
from eventbus.sqlite.committer import Committer
from eventbus.sqlite.store import Store
from eventbus.sqlite.work import Asked

IN_FORCE = (
    "SELECT declared.id, revisions.revision, declared.since FROM declared JOIN revisions ON revisions.id = declared.revision"
    " WHERE ref = ? AND until IS NULL"
)


class SqliteDeclarations:
    """See `Declarations`."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    async def put(self, ref: str, revision: str, content: bytes) -> Declared:
        """See `Declarations.put`."""
        work = _Put(ref, revision, content)
        self._committer.submit(work)
        return Declared(ref=ref, revision=revision, content=content, since=await work.answered, until=None)

    async def withdraw(self, ref: str) -> int:
        """See `Declarations.withdraw`."""
        work = _Put(ref, None, b"")
        self._committer.submit(work)
        return await work.answered


class _Put(Asked[int]):
    """One change of what is in force; `revision` None ends it."""

    rows = 3

    def __init__(self, ref: str, revision: str | None, content: bytes) -> None:
        super().__init__()
        self._ref = ref
        self._revision = revision
        self._content = content
        self._since = 0

    def write(self, store: Store) -> None:
        execute, end = store.execute, store.last_position
        self._since = end
        rows = execute(IN_FORCE, (self._ref,)).fetchall()
        if rows and rows[0][1] == self._revision:
            self._since = rows[0][2]
            return
        if rows:
            execute("UPDATE declared SET until = ? WHERE id = ?", (end, rows[0][0]))
        if self._revision is not None:
            number = store.names.revision_id(self._revision)
            execute(
                "UPDATE revisions SET content = coalesce(content, ?), named_until = NULL"
                " WHERE id = ? AND (content IS NULL OR named_until IS NOT NULL)",
                (self._content, number),
            )
            execute("INSERT INTO declared(ref, revision, since) VALUES (?, ?, ?)", (self._ref, number, end))

    def settle(self) -> None:
        self.answer(self._since)

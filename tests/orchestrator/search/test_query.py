import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import delete, update

from infra.admission import Admissions
from infra.catalog import Catalog
from infra.contents import Contents
from infra.database import Database
from infra.tables import AssetRow, Base, SegmentRow
from infra.vectors.memory import InMemoryVectorStore
from infra.vectors.store import Payload, Point, Scope, Space, Sparse
from orchestrator.search import query as query_module
from orchestrator.search.query import Searcher
from schemas.asset import AssetState, MediaFacts, MediaType, ObjectHead, ObjectRef
from schemas.errors import UnreadableMedia
from schemas.job import Job, Priority
from schemas.search import Filter, Query
from schemas.segment import Segment, TimeSpan, segment_id
from schemas.stages import SPACES, model_fingerprint
from tests.orchestrator.search.factories import make_models

TENANT = "acme"


def vector(cosine):
    """A unit vector whose cosine to the fake encoder's queries is as given."""
    return np.array([cosine, math.sqrt(1 - cosine**2)], np.float32)


@dataclass
class FakeEncoder:
    """Every query is the x axis; words are hashed by their length."""

    spaces: list[str] = field(default_factory=list)

    def encode_text(self, space, _text):
        self.spaces.append(space)
        return vector(1.0)

    def encode_sparse(self, text):
        indices = sorted({len(word) for word in text.split()})
        return Sparse(indices, [1.0] * len(indices))

    def encode_image(self, data):
        if data == b"broken":
            raise UnreadableMedia("query image: truncated")
        return vector(1.0)

    def encode_audio(self, data):
        return [vector(float(cosine)) for cosine in data.split()]


class Index:
    """A database and a vector store that are filled by hand, one segment at a time."""

    def __init__(self, folder, *untrained):
        self.database = Database(f"sqlite:///{folder / 'sluice.db'}")
        Base.metadata.create_all(self.database.engine)
        self.vectors = InMemoryVectorStore()
        self.encoder = FakeEncoder()
        self.models = make_models(*untrained)
        self.n = 0

    def space(self, name):
        fingerprint = model_fingerprint(self.models[SPACES[name].name])
        return Space(name=name, fingerprint=fingerprint, embedding_dim=2, has_sparse=name == "text")

    def asset(self, name, media_type, tenant):
        """The asset of an object; made when it is first named."""
        ref = ObjectRef(bucket="b", key=name)
        head = ObjectHead(ref=ref, size_bytes=1, etag="e", last_modified=datetime.now(tz=UTC))
        facts = MediaFacts(media_type=media_type, mime_type="x/y", sha256=name, size_bytes=1)
        with self.database.session_scope() as session:
            catalog = Catalog(session)
            asset_id = next(iter(catalog.find_assets(tenant, f"s3://b/{name}")), None)
            if asset_id is None:
                admitted = Admissions(session).admit(tenant, [head], Priority.NORMAL, "plan")
                asset_id = admitted[0].asset_id
                catalog.describe({asset_id: facts})
        return asset_id

    def add(
        self,
        name,
        space,
        cosine,
        *,
        said=None,
        media_type=MediaType.VIDEO,
        tenant=TENANT,
        locator=None,
    ):
        """A segment and its point, a part of its own; `said` is who said what."""
        self.n += 1
        job = Job(
            job_id=UUID(int=self.n),
            asset_id=self.asset(name, media_type, tenant),
            tenant=tenant,
            stage=SPACES[space].name,
            version="v",
            part=self.n,
            source="s",
            source_part=0,
            cost=1.0,
            priority=Priority.NORMAL,
            attempts=1,
            fence=1,
        )
        source, words = said or (None, None)
        extra = {"source": source} if source else {}
        segment = Segment(ordinal=0, locator=locator, text=words, extra=extra)
        with self.database.session_scope() as session:
            contents = Contents(session)
            contents.put_segments([(job, {job.part: [segment]})])
            contents.put_space(self.space(space), self.models[job.stage])
        self._put_point(job, space, cosine, words, media_type)
        return job.asset_id

    def _put_point(self, job, space, cosine, words, media_type):
        terms = sorted({len(word) for word in (words or "").split()})
        payload = Payload(
            asset_id=job.asset_id,
            stage=job.stage,
            version=job.version,
            part=job.part,
            ordinal=0,
            kind=media_type,
            mime_type="x/y",
            bucket="b",
            fence=job.fence,
            created_at=0,
        )
        point = Point(
            id=segment_id(job.tenant, job.asset_id, job.stage, job.version, job.part, 0),
            dense=vector(cosine),
            payload=payload,
            sparse=Sparse(terms, [1.0] * len(terms)) if terms and space == "text" else None,
        )
        self.vectors.ensure(self.space(space))
        scope = Scope(asset_id=job.asset_id, stage=job.stage, part=job.part)
        self.vectors.replace(self.space(space), job.tenant, scope, [point])

    def search(self, **query):
        searcher = Searcher(self.database, self.vectors, self.encoder, self.models)
        return searcher.search(Query(**query), TENANT).hits

    def keys(self, **query):
        return [hit.uri.removeprefix("s3://b/") for hit in self.search(**query)]


@pytest.fixture
def index(tmp_path):
    made = Index(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def untrained(tmp_path):
    """An index whose eyes, ears and captioner are untrained."""
    made = Index(tmp_path, "embed_visual", "embed_audio", "caption", "transcribe")
    yield made
    made.database.close()


def test_search_finds_the_moment_in_which_it_was_seen_and_said(index):
    said = ("transcribe", "a red car")
    index.add("talk", "visual", 0.3, locator=TimeSpan(start_s=10, end_s=15))
    index.add("talk", "text", 0.6, locator=TimeSpan(start_s=12, end_s=18), said=said)
    index.add("other", "visual", 0.29, locator=TimeSpan(start_s=0, end_s=4))

    first, second = index.search(text="automobile")

    assert (first.uri, first.start_s, first.end_s) == ("s3://b/talk", 10.0, 18.0)
    assert first.text == "a red car"
    assert {(e.space, e.stage) for e in first.evidence} == {
        ("visual", "embed_visual"),
        ("text", "transcribe"),
    }
    assert first.score > second.score


def test_search_for_nonsense_finds_nothing(index):
    index.add("a", "text", 0.12, said=("ocr", "one two"))

    assert index.search(text="zzzzzzzzz") == ()


def test_search_finds_exact_words_whose_meaning_is_unclear(index):
    index.add("a", "text", 0.05, said=("ocr", "XJ-4711"))

    (hit,) = index.search(text="XJ-4711")

    assert hit.text == "XJ-4711"


def test_sound_of_several_windows_finds_what_one_of_them_is(index):
    index.add("between", "audio", 0.8, media_type=MediaType.AUDIO)
    index.add("itself", "audio", 0.28, media_type=MediaType.AUDIO)

    hits = index.search(audio=b"1.0 0.28")

    assert [hit.uri for hit in hits] == ["s3://b/itself", "s3://b/between"]
    assert hits[0].evidence[0].score == pytest.approx(1.0, abs=1e-3)


def test_search_by_text_does_not_ask_untrained_models(untrained):
    untrained.add("picture", "visual", 0.99)
    untrained.add("sound", "audio", 0.99)
    untrained.add("page", "text", 0.5, said=("ocr", "hello"))

    assert untrained.keys(text="greeting") == ["page"]
    assert untrained.encoder.spaces == ["text"]


def test_search_by_text_ignores_words_of_untrained_models(untrained):
    untrained.add("picture", "text", 0.9, said=("caption", "##ab ##cd"))

    assert untrained.keys(text="greeting") == []
    assert untrained.keys(text="greeting", filter=Filter(stage="caption")) == ["picture"]


def test_search_by_image_says_that_the_model_is_untrained(untrained):
    untrained.add("same", "visual", 1.0, media_type=MediaType.IMAGE)
    untrained.add("other", "visual", 0.98, media_type=MediaType.IMAGE)

    first, second = untrained.search(image=b"x")

    assert (first.uri, second.uri) == ("s3://b/same", "s3://b/other")
    assert first.evidence[0].model == "embed_visual-model (random weights)"
    assert first.evidence[0].score == pytest.approx(1.0)


def test_search_by_image_that_is_broken_says_so(index):
    index.add("a", "visual", 1.0)

    with pytest.raises(UnreadableMedia):
        index.search(image=b"broken")


def test_search_loads_no_model_for_a_space_without_points(index):
    index.add("page", "text", 0.5, said=("ocr", "hello"))

    index.search(text="greeting")

    assert index.encoder.spaces == ["text"]


def test_search_ignores_points_of_another_model(index):
    index.add("a", "visual", 0.9)
    newer = index.models["embed_visual"].model_copy(update={"revision": "2"})
    index.models["embed_visual"] = newer

    assert index.keys(text="greeting") == []


@pytest.mark.parametrize("change", [{"visible": False}, {"state": AssetState.DELETED}])
def test_search_drops_what_the_database_does_not_vouch_for(index, change):
    index.add("a", "visual", 0.9)
    with index.database.session_scope() as session:
        session.execute(update(AssetRow).values(change))

    assert index.search(text="greeting") == ()


def test_search_drops_points_without_rows(index):
    asset_id = index.add("a", "visual", 0.9)
    index.add("b", "visual", 0.8)
    with index.database.session_scope() as session:
        session.execute(delete(SegmentRow).where(SegmentRow.asset_id == asset_id))

    assert index.keys(text="greeting") == ["b"]


def test_search_sees_its_own_tenant_only(index):
    index.add("theirs", "visual", 0.9, tenant="others")

    assert index.search(text="greeting") == ()


def test_search_filters_by_kind(index):
    index.add("film", "visual", 0.9)
    index.add("photo", "visual", 0.8, media_type=MediaType.IMAGE)

    assert index.keys(text="greeting", filter=Filter(kinds=(MediaType.IMAGE,))) == ["photo"]


def test_search_filters_by_the_stage_that_wrote_the_text(index):
    index.add("said", "text", 0.9, said=("transcribe", "one"))
    index.add("read", "text", 0.8, said=("ocr", "two"))
    index.add("seen", "visual", 0.7)

    assert index.keys(text="greeting", filter=Filter(stage="ocr")) == ["read"]
    assert index.keys(text="greeting", filter=Filter(stage="embed_visual")) == ["seen"]


def test_search_asks_deeper_until_there_are_enough_moments(index, monkeypatch):
    monkeypatch.setattr(query_module, "MIN_POINTS", 4)
    for i in range(12):
        index.add("long", "visual", 0.9, locator=TimeSpan(start_s=i, end_s=i + 1))
    index.add("photo", "visual", 0.5, media_type=MediaType.IMAGE)

    assert index.keys(text="greeting", limit=2) == ["long", "photo"]


def test_search_does_not_ask_deeper_than_the_deepest(index, monkeypatch):
    monkeypatch.setattr(query_module, "MIN_POINTS", 2)
    monkeypatch.setattr(query_module, "POINTS_PER_HIT", 1)
    monkeypatch.setattr(query_module, "MAX_POINTS", 8)
    for i in range(12):
        index.add("long", "visual", 0.9, locator=TimeSpan(start_s=i, end_s=i + 1))
    index.add("photo", "visual", 0.5, media_type=MediaType.IMAGE)

    assert index.keys(text="greeting", limit=2) == ["long"]


def test_search_hydrates_in_chunks(index, monkeypatch):
    monkeypatch.setattr(query_module, "HYDRATE_IDS", 2)
    for name in "abcde":
        index.add(name, "visual", 0.9, media_type=MediaType.IMAGE)

    assert sorted(index.keys(text="greeting")) == list("abcde")


def test_search_keeps_to_the_limit(index):
    for name in "abc":
        index.add(name, "visual", 0.9, media_type=MediaType.IMAGE)

    assert len(index.search(text="greeting", limit=2)) == 2


def test_search_without_a_question_finds_nothing(index):
    index.add("a", "visual", 0.9)

    assert index.search(text=" ") == ()


def test_search_within_one_asset(index):
    index.add("a", "visual", 0.9)
    asset_id = index.add("b", "visual", 0.8)

    assert index.keys(text="greeting", filter=Filter(asset_id=asset_id)) == ["b"]

from infra.vectors.store import Space


def test_space_names_its_collection_by_model() -> None:
    space = Space(name="visual", fingerprint="abc123", embedding_dim=512)

    assert space.collection == "visual__abc123"

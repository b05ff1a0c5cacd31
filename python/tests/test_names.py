from streamgrad.names import node_names, unique


def test_repeated_names_are_numbered():
    assert unique(["a", "b", "a", "a"]) == ["a", "b", "a_1", "a_2"]


def test_a_number_that_is_taken_is_passed_over():
    assert unique(["a_1", "a", "a"]) == ["a_1", "a", "a_2"]


def test_nodes_are_spelled_as_tensorflow_allows():
    assert node_names("label", ["größe", "gr  e", "/x/"]) == ["label/gr__e", "label/gr__e_1", "label/x"]

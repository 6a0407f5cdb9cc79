from icat_tui.domain.status import Status
from icat_tui.tui.state.filtering import parse_filter
from icat_tui.tui.state.marks import Mark, Marking, Marks
from icat_tui.tui.state.targets import hidden_marks, mark_range, marking, toggle_mark
from icat_tui.tui.state.tree_model import TreeModel
from tests.support.samples import a_directory
from tests.support.tree_rows import Named, a_model, a_row, put

DATASETS: list[Named] = [("c", "1", Status.INVALID), ("c", "2", Status.INVALID), ("c", "3", Status.REGISTERED)]


def a_tree() -> TreeModel:
    tree = a_model(groups_open=True)
    put(tree, (a_row(a_directory("p1", date=date), DATASETS) for date in ("20230101", "20230102")))
    tree.open(1)
    return tree


def path(name: str, date: str = "20230101") -> Mark:
    directory = a_directory("p1", date=date)
    return Mark(directory.path, f"{directory.raw_path}/c/c_{name}")


def test_a_session_stands_for_its_datasets_and_they_are_not_counted_beside_it() -> None:
    tree = a_tree()
    toggle_mark(tree, tree.rows[2])
    assert list(tree.marks) == [path("1")]
    assert [marking(tree, node) for node in tree.rows[:4]] == [Marking.PARTLY, Marking.PARTLY, Marking.YES, Marking.NO]
    toggle_mark(tree, tree.rows[1])
    assert list(tree.marks) == [Mark(a_directory("p1", date="20230101").path)]
    assert all(marking(tree, node) == Marking.YES for node in tree.rows[1:5])


def test_unmarking_one_dataset_of_a_marked_session_leaves_the_others_marked() -> None:
    tree = a_tree()
    toggle_mark(tree, tree.rows[1])
    toggle_mark(tree, tree.rows[3])
    assert list(tree.marks) == [path("1"), path("3")]


def test_a_group_marks_its_sessions_and_unmarks_them_once_all_are_marked() -> None:
    tree = a_tree()
    toggle_mark(tree, tree.rows[5])
    toggle_mark(tree, tree.rows[0])
    assert len(tree.marks) == 2
    assert marking(tree, tree.rows[0]) == Marking.YES
    toggle_mark(tree, tree.rows[0])
    assert not len(tree.marks)


def test_a_range_marks_both_of_its_ends_in_either_direction() -> None:
    for first, last in ((2, 4), (4, 2)):
        tree = a_tree()
        mark_range(tree, first, last)
        assert list(tree.marks) == [path("1"), path("2"), path("3")]


def test_marks_survive_a_filter_which_says_how_many_it_hides() -> None:
    tree = a_tree()
    mark_range(tree, 2, 5)
    assert hidden_marks(tree) == 0
    for text, hidden in (("status:invalid", 1), ("c_3", 2), ("20230102", 3), ("nothing", 4)):
        tree.narrow(parse_filter(text))
        while tree.search():
            pass
        assert hidden_marks(tree) == hidden, text
    assert len(tree.marks) == 4


def test_a_session_or_group_under_a_filter_stands_for_what_is_shown_of_it() -> None:
    for text, shown in (("c_3", ["3"]), ("-c_3", ["1", "2"]), ("!", [])):
        tree = a_tree()
        tree.narrow(parse_filter(text))
        while tree.search():
            pass
        if tree.rows:
            toggle_mark(tree, tree.rows[0])
        assert list(tree.marks) == [path(name, date) for date in ("20230101", "20230102") for name in shown]
    tree = a_tree()
    tree.narrow(parse_filter("p1"))
    tree.search()
    toggle_mark(tree, tree.rows[0])
    assert list(tree.marks) == [Mark(a_directory("p1", date=date).path) for date in ("20230101", "20230102")]


def test_marks_survive_a_scan_and_go_with_their_session() -> None:
    tree = a_tree()
    mark_range(tree, 2, 3)
    put(tree, [a_row(a_directory("p1", date="20230101"), DATASETS[:1])])
    assert len(tree.marks) == 2
    tree.drop([a_directory("p1", date="20230101").path])
    assert not len(tree.marks)


def test_nothing_is_marked_at_first() -> None:
    marks = Marks()
    assert Mark("/a") not in marks
    assert marks.of_session("/a") == Marking.NO
    marks.remove(Mark("/a", "/a/b"), ())
    assert not list(marks)

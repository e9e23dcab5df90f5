"""Pages that draw on every stage."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from episodes.access import episode_for
from episodes.models import Episode
from kapclinic.accounts.pages import ActorRequest, page
from kapclinic.audit.access import note_rows
from kapclinic.clinics.refusals import Refused
from kapclinic.desk import drafts, people
from kapclinic.desk.chart import build_chart
from kapclinic.desk.forms import EpisodeFilterForm, SearchForm
from kapclinic.desk.paging import page_of, query_without_page
from kapclinic.desk.rail import roles_in_words
from kapclinic.desk.today import Place, cards_for, live_card_for
from kapclinic.desk.windows import windows_of_episode


@page("desk.today", methods=("GET", "HEAD"))
def today(request: ActorRequest) -> HttpResponse:
    """What must I do now?"""
    now = timezone.now()
    cards = cards_for(request.actor, now)
    note_rows(request, sum(len(shown.card.rows) for place in cards.values() for shown in place))
    return render(
        request,
        "desk/today.html",
        {
            "here": now,
            "roles": roles_in_words(request.actor),
            "main_cards": cards[Place.MAIN],
            "aside_cards": cards[Place.ASIDE],
        },
    )


@page("desk.today", methods=("GET", "HEAD"))
def today_card(request: ActorRequest, key: str) -> HttpResponse:
    """One live card of Today as it stands now, for the open page to put in the place of the old one."""
    try:
        shown = live_card_for(key, request.actor, timezone.now())
    except LookupError as unknown:
        raise Http404 from unknown
    if shown is None:
        return HttpResponse()
    return render(request, "desk/_card.html", {"card": shown.card, "key": shown.key, "is_live": True})


@page("patient.list", methods=("POST",))
def search(request: ActorRequest) -> HttpResponse:
    """Search as you type: the hits alone for the box, a page of them without script."""
    form = SearchForm(request.POST)
    term = form.cleaned_data["q"] if form.is_valid() else ""
    most = people.MOST_HITS if request.headers.get("HX-Request") else 50
    hits, is_more = people.find_patients(request.actor, term, now=timezone.now(), most=most)
    note_rows(request, len(hits))
    context = {"term": term, "hits": hits, "is_more": is_more}
    if request.headers.get("HX-Request"):
        return render(request, "desk/_search_results.html", context)
    return render(request, "desk/search.html", context)


@page("episode.list", methods=("GET", "HEAD"))
def patients(request: ActorRequest) -> HttpResponse:
    """Where is everyone? The list."""
    now = timezone.now()
    context: dict[str, object] = {"tab": "list"}
    if request.GET.get("without-episode"):
        context["tab"] = "without-episode"
        context["page"] = without = page_of(request, people.patients_without_episode(request.actor))
        note_rows(request, len(without.object_list))
    else:
        form = EpisodeFilterForm(request.GET, actor=request.actor)
        wanted = form.filter()
        found = page_of(request, people.episodes_matching(request.actor, wanted, now=now))
        episodes: list[Any] = list(found.object_list)
        note_rows(request, len(episodes))
        people.with_leads(episodes, now=now)
        for episode in episodes:
            episode.url = people.url_of(request.actor, episode.patient, episode)
        context |= {"form": form, "wanted": wanted, "page": found, "episodes": episodes}
    return render(request, "desk/patients.html", context | {"query": query_without_page(request)})


@page("episode.list", methods=("GET", "HEAD"))
def patient_board(request: ActorRequest) -> HttpResponse:
    """Where is everyone? The board by stage."""
    form = EpisodeFilterForm(request.GET, actor=request.actor)
    wanted = form.filter()
    columns = people.board(request.actor, clinician=wanted.clinician, now=timezone.now())
    note_rows(request, sum(len(column.episodes) for column in columns))
    for column in columns:
        for episode in column.episodes:
            episode.url = people.url_of(request.actor, episode.patient, episode)
    return render(request, "desk/board.html", {"form": form, "columns": columns, "tab": "board"})


@page("chart.view", fetch=episode_for, methods=("GET", "HEAD"))
def chart(request: ActorRequest, episode: Episode) -> HttpResponse:
    """What happened and what is next?"""
    now = timezone.now()
    return render(
        request,
        "desk/chart.html",
        {"episode": episode, "chart": build_chart(episode, request.actor, now=now), "now": now},
    )


@page("chart.view", fetch=episode_for, methods=("GET", "HEAD"))
def chart_windows(request: ActorRequest, episode: Episode) -> HttpResponse:
    """The window bars of the chart as they stand now, for the open page to put in the place of the old ones."""
    windows = windows_of_episode(episode, request.actor, now=timezone.now())
    return render(request, "desk/_windows.html", {"episode": episode, "windows": windows})


@page("account.self", methods=("POST",))
def draft(request: ActorRequest) -> HttpResponse:
    """Keep, give back or drop the person's own draft of one form."""
    key = request.POST.get("key", "")
    action = request.POST.get("action")
    try:
        if action == "save":
            drafts.save_draft(user=request.actor.user, key=key, body=request.POST.get("body", ""))
            return HttpResponse(status=204)
        if action == "load":
            found = drafts.load_draft(user=request.actor.user, key=key)
            if found is None:
                return HttpResponse(status=204)
            values, saved_at = found
            local = saved_at.astimezone(request.actor.zone)
            return JsonResponse(
                {"values": values, "saved": f"{local:%a} {local.day} {local:%b}, {local:%H:%M %Z}"}
            )
        if action == "discard":
            drafts.discard_draft(user=request.actor.user, key=key)
            return HttpResponse(status=204)
    except Refused as refused:
        return HttpResponse(str(refused), status=422, content_type="text/plain; charset=utf-8")
    return HttpResponse("Say save, load or discard.", status=422, content_type="text/plain; charset=utf-8")


@page("account.self", methods=("POST",))
def set_dim(request: ActorRequest) -> HttpResponse:
    """Turn dim-room mode on or off for this person, and go back to where they were."""
    user = request.actor.user
    user.is_dim = request.POST.get("theme") == "dim"
    user.save(update_fields=["is_dim"])
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        back = reverse("desk:today")
    return HttpResponseRedirect(back)

//! Domains: one app's each, told to whoever has to know.

use slipway_core::deployment::DeploymentKind;
use slipway_core::domain::Domain;
use slipway_core::instance::InstanceState;
use slipway_store::{App, DomainOutcome, NewDomain, StoreError};
use sqlx::Executor;

use crate::bench::{Bench, change};

on_both_databases!(
    domains_are_added_once_listed_by_name_and_removed,
    a_domain_is_one_apps_until_it_is_removed_or_the_app_is_gone,
    of_two_who_ask_at_once_one_gets_it,
    an_app_has_few_domains,
    the_schema_itself_keeps_a_name_from_two_apps_and_in_one_form,
    instances_that_learn_their_names_from_us_are_replaced,
    nobody_is_replaced_who_has_nothing_to_learn,
);

async fn add(bench: &Bench, app: &App, name: &str) -> Result<DomainOutcome, StoreError> {
    let (app_id, domain) = (app.id.clone(), name.parse().unwrap());
    let new = NewDomain { app_id, domain, by: "ada".to_owned(), log_start: 7 };
    bench.store.add_domain(new).await
}

async fn names(bench: &Bench, app: &App) -> anyhow::Result<Vec<String>> {
    let rows = bench.store.domains(&app.id).await?;
    Ok(rows.into_iter().map(|row| row.domain.to_string()).collect())
}

async fn domains_are_added_once_listed_by_name_and_removed(bench: Bench) -> anyhow::Result<()> {
    let shop = bench.app("shop").await?;
    let www = add(&bench, &shop, "www.example.com").await?;
    add(&bench, &shop, "example.com").await?;
    let again = add(&bench, &shop, "WWW.example.com.").await?;
    assert_eq!((again.row, again.deployment), (www.row.clone(), None), "it stays as it was");
    assert_eq!(names(&bench, &shop).await?, ["example.com", "www.example.com"]);
    assert_eq!(bench.store.domains(&shop.id).await?[1], www.row);
    let [entry] = bench.store.fleet().await?.try_into().expect("one app");
    assert_eq!(entry.domains, bench.store.domains(&shop.id).await?);

    let domain: Domain = "www.example.com".parse()?;
    assert!(bench.store.remove_domain(&shop.id, &domain, "eve").await?);
    assert!(!bench.store.remove_domain(&shop.id, &domain, "eve").await?);
    assert_eq!(names(&bench, &shop).await?, ["example.com"]);
    let told = bench.told(&shop).await?;
    let expected =
        ["created", "www.example.com added", "example.com added", "www.example.com removed"];
    assert_eq!(told, expected, "what changed nothing is not told");
    Ok(())
}

async fn a_domain_is_one_apps_until_it_is_removed_or_the_app_is_gone(
    bench: Bench,
) -> anyhow::Result<()> {
    let (shop, blog) = (bench.app("shop").await?, bench.app("blog").await?);
    let name = "example.com";
    add(&bench, &shop, name).await?;
    let refused = add(&bench, &blog, name).await.unwrap_err();
    assert!(matches!(&refused, StoreError::DomainTaken(domain) if domain.as_str() == name));
    assert!(!refused.to_string().contains("shop"), "{refused}");
    let domain: Domain = name.parse()?;
    assert!(!bench.store.remove_domain(&blog.id, &domain, "eve").await?, "it is another app's");
    assert_eq!(names(&bench, &shop).await?, [name]);

    bench.store.remove_domain(&shop.id, &domain, "ada").await?;
    add(&bench, &blog, name).await?;
    bench.store.tombstone_app(&blog.id, "ada").await?;
    assert!(matches!(add(&bench, &blog, "a.example").await, Err(StoreError::AppDeleting)));
    assert!(matches!(add(&bench, &shop, name).await, Err(StoreError::DomainTaken(_))));
    let [entry] = bench.store.fleet().await?.try_into().expect("one active app");
    assert!(entry.domains.is_empty());
    bench.store.forget_app(&blog.id).await?;
    add(&bench, &shop, name).await?;
    Ok(())
}

async fn of_two_who_ask_at_once_one_gets_it(bench: Bench) -> anyhow::Result<()> {
    let (shop, blog) = (bench.app("shop").await?, bench.app("blog").await?);
    for round in 0..10 {
        let name = format!("r{round}.example.com");
        let (one, two) = tokio::join!(add(&bench, &shop, &name), add(&bench, &blog, &name));
        let taken = |asked: &Result<_, _>| matches!(asked, Err(StoreError::DomainTaken(_)));
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        assert!(taken(&one) || taken(&two), "{one:?} {two:?}");
    }
    Ok(())
}

async fn an_app_has_few_domains(bench: Bench) -> anyhow::Result<()> {
    let shop = bench.app("shop").await?;
    for number in 0..50 {
        add(&bench, &shop, &format!("d{number}.example.com")).await?;
    }
    let refused = add(&bench, &shop, "one-more.example.com").await;
    assert!(matches!(refused, Err(StoreError::TooManyDomains)));
    add(&bench, &shop, "d7.example.com").await?;
    bench.store.remove_domain(&shop.id, &"d7.example.com".parse()?, "ada").await?;
    add(&bench, &shop, "one-more.example.com").await?;
    Ok(())
}

async fn the_schema_itself_keeps_a_name_from_two_apps_and_in_one_form(
    bench: Bench,
) -> anyhow::Result<()> {
    let (shop, blog) = (bench.app("shop").await?, bench.app("blog").await?);
    add(&bench, &shop, "example.com").await?;
    let raw = bench.raw().await?;
    for name in ["example.com", "Example.com"] {
        let insert = sqlx::query(
            "INSERT INTO domains (domain, app_id, added_at_ms, added_by) VALUES ($1, $2, 0, 'x')",
        );
        let written = raw.execute(insert.bind(name).bind(blog.id.to_string())).await;
        assert!(written.is_err(), "{name}");
    }
    Ok(())
}

async fn instances_that_learn_their_names_from_us_are_replaced(bench: Bench) -> anyhow::Result<()> {
    let shop = bench.app("shop").await?;
    let (_, release) = bench.live(&shop, "1").await?;
    bench.instance(&shop, &release.id, InstanceState::Ready).await?;
    bench
        .store
        .change_config(
            &shop.id,
            &change(&[("ALLOWED_HOSTS", Some("*"))]),
            &bench.keys,
            None,
            "ada",
            0,
        )
        .await?;
    let added = add(&bench, &shop, "example.com").await?;
    let deployment = added.deployment.expect("its origins come from us");
    assert_eq!((deployment.kind, deployment.log_start), (DeploymentKind::Config, 7));
    assert_eq!(deployment.description, "add example.com");
    let told = bench.told(&shop).await?;
    let last = ["example.com added", "config 2 superseded", "config 3 queued"];
    assert!(told.ends_with(&last.map(str::to_owned)), "{told:?}");
    let removed = bench.store.remove_domain(&shop.id, &"example.com".parse()?, "ada").await?;
    assert!(removed);
    assert_eq!(bench.store.deployments(&shop.id, 1, None).await?[0].id, deployment.id);
    Ok(())
}

async fn nobody_is_replaced_who_has_nothing_to_learn(bench: Bench) -> anyhow::Result<()> {
    let (shop, blog) = (bench.app("shop").await?, bench.app("blog").await?);
    assert_eq!(add(&bench, &shop, "empty.example").await?.deployment, None);
    let (_, release) = bench.live(&shop, "1").await?;
    bench.instance(&shop, &release.id, InstanceState::Stopped).await?;
    assert_eq!(add(&bench, &shop, "stopped.example").await?.deployment, None);

    let lists = [("DJANGO_ALLOWED_HOSTS", Some("*")), ("CSRF_TRUSTED_ORIGINS", Some("x"))];
    bench.store.change_config(&blog.id, &change(&lists), &bench.keys, None, "ada", 0).await?;
    let (_, release) = bench.live(&blog, "2").await?;
    bench.instance(&blog, &release.id, InstanceState::Ready).await?;
    assert_eq!(add(&bench, &blog, "itself.example").await?.deployment, None);
    Ok(())
}
